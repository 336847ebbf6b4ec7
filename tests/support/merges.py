"""Merging exports in tests: as the steps do it, without a run."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import read_lines
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.merge_incrementals import OUTDATED, Merged, merge_changes
from retable.runner.export.outdated import outdated_of
from retable.runner.export.prove_export import check_export
from retable.runner.export.windows import in_order
from retable.runner.progress import NoProgress
from support.exports import MadeExport


def checked(full: MadeExport, *added: MadeExport) -> tuple[CheckedFile, ...]:
    """Return the data files of a full export and of the incremental ones on top of it."""
    location = LocalFolder(full.root)
    first = open_export(location, full.id, None)
    exports = (first, *in_order(first, [made.open() for made in added]))
    return tuple(
        replace(file, place=place)
        for place, export in enumerate(exports)
        for file in check_export(export, location, None, NoProgress())
    )


def merge(
    folder: Path, files: tuple[CheckedFile, ...], **options: Any
) -> tuple[Merged, tuple[CheckedFile, ...]]:
    """Merge ``files`` and return the counts, and the files with their outdated lines."""
    merged = merge_changes(files, folder, NoProgress(), **options)
    listed = outdated_of(folder / OUTDATED, len(files))
    known = zip(files, listed, strict=True)
    return merged, tuple(replace(file, outdated=outdated) for file, outdated in known)


def items_of(files: tuple[CheckedFile, ...]) -> list[dict[str, Any]]:
    """Return the items on all lines that count."""
    return [
        orjson.loads(item_reader(file)(line))["Item"]
        for file in files
        for _, line in read_lines(file)
    ]
