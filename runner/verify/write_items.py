"""Writes an export's items where the spec's queries read the items of the table."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from retable.runner.disk import not_written
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import stream_lines
from retable.runner.export.spool import Holder, in_turn
from retable.runner.ledger.write_ledger import ItemWriter
from retable.schema.spec import KeySchema
from retable.transforms.describe import describe_item


def write_items(files: Sequence[CheckedFile], key: KeySchema, folder: Path, holder: Holder) -> None:
    """Write the items of ``files`` to ``folder``, one part per file; every line must be an item.

    Raises:
        CheckFailed: a data file is not the one that was checked.
        Stopped: it cannot be read, or the disk is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, file in enumerate(in_turn(holder, files)):
            with ItemWriter(folder / f"{number:05d}.parquet") as items:
                for _, line in stream_lines(file):
                    items.add(describe_item(orjson.loads(line)["Item"], key))
    except OSError as error:
        raise not_written(error, folder) from error
