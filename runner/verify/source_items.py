"""Makes the exported items readable for the spec's queries.

A data file with one item per line is read in place. The items of any other file are written out,
which takes about as much space as the file itself. ``spec_queries`` limits what a query may do.
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
"""Gzip's: what is written here is read once or twice and then deleted."""


def source_files(
    queries: Sequence[Query], files: Sequence[CheckedFile], folder: Path
) -> Iterator[Path]:
    """Yield gzip files of ``{"Item": …}`` lines with all items of ``files``, some in ``folder``.

    There are none if no query reads the source. Another call overwrites them.

    Raises:
        CheckFailed: a data file is not the one that was checked.
        Stopped: the disk is full.
    """
    if not reads_source(queries):
        return
    for number, file in enumerate(files):
        if is_plain(file):
            yield file.path
        else:
            yield _written(file, folder / f"{number:05d}.json.gz")


def is_plain(file: CheckedFile) -> bool:
    """Return whether each line of ``file`` is an item as DynamoDB JSON."""
    return file.format == "DYNAMODB_JSON" and file.view is None and file.outdated is None


def reads_source(queries: Sequence[Query]) -> bool:
    """Return whether any query may read the exported items."""
    return any(SOURCE.search(query.sql) for query in queries)


def _written(file: CheckedFile, path: Path) -> Path:
    """Write the items of ``file`` to ``path``."""
    item_of = item_reader(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wb", compresslevel=LEVEL) as items:
            for _, line in read_lines(file):
                items.write(item_of(line) + b"\n")
    except OSError as error:
        raise not_written(error, path) from error
    return path
