"""The exported items where the spec's own queries can read them.

A data file with one item a line is read where it lies. From any other the items are written out,
which takes about as much room as the file itself. What a query may do is ``queries``' to say.
"""

import gzip
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from retable.runner.disk import not_written
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import read_lines
from retable.schema.spec import Query

SOURCE = re.compile(r"\bsource\b", re.IGNORECASE)
LEVEL = 1
"""Of gzip: what is written here is read once or twice and thrown away."""


def source_files(
    queries: Sequence[Query], files: Sequence[CheckedFile], folder: Path
) -> Iterator[Path]:
    """Yield gzip files of ``{"Item": …}`` lines, all items of ``files``, some made in ``folder``.

    There are none where no query asks for the source. Again overwrites.

    Raises:
        CheckFailed: a data file is not the one that was checked.
        Stopped: the disk is full.
    """
    if not asks_for_source(queries):
        return
    for number, file in enumerate(files):
        if is_plain(file):
            yield file.path
        else:
            yield _written(file, folder / f"{number:05d}.json.gz")


def is_plain(file: CheckedFile) -> bool:
    """Return whether each line of ``file`` is an item as DynamoDB JSON."""
    return file.format == "DYNAMODB_JSON" and file.view is None and file.outdated is None


def asks_for_source(queries: Sequence[Query]) -> bool:
    """Return whether any query may read the exported items."""
    return any(SOURCE.search(query.sql) for query in queries)


def _written(file: CheckedFile, path: Path) -> Path:
    """Write the items of ``file`` into ``path``."""
    item_of = item_reader(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wb", compresslevel=LEVEL) as items:
            for _, line in read_lines(file):
                items.write(item_of(line) + b"\n")
    except OSError as error:
        raise not_written(error, path) from error
    return path
