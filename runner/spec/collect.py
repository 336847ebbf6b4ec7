"""Finds the spec files that a command's arguments name. It does not open them."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from retable.runner.failure import Refused

SUFFIX = ".migrate.yaml"
DEFAULT_FOLDER = Path("specs")
SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__", "venv", "cdk.out"})
"""Folders that hold other people's files or generated ones; hidden folders are skipped too."""


def find_specs(paths: Sequence[Path]) -> list[Path]:
    """Return the spec files that ``paths`` name, each once, sorted.

    A file is used whatever its name is; a folder gives the ``*.migrate.yaml`` files below it.

    Raises:
        Refused: a path does not exist, or a folder cannot be read.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for spec in _below(path) if path.is_dir() else [_existing(path)]:
            # One file by two paths is one spec, and its name does not clash with itself.
            found.setdefault(spec.resolve(), spec)
    return sorted(found.values())


def spec_files(paths: Sequence[Path]) -> list[Path]:
    """Return a command's spec files: those of ``paths``, by default of ``specs/`` or this folder.

    Raises:
        Refused: also if there is none, which a green result would hide.
    """
    searched = paths or [DEFAULT_FOLDER if DEFAULT_FOLDER.is_dir() else Path()]
    found = find_specs(searched)
    if not found:
        message = f"there is no spec in {', '.join(map(str, searched))}"
        raise Refused(message, f"specs are named *{SUFFIX}; a file of any name can be passed")
    return found


def _existing(path: Path) -> Path:
    if not path.exists():
        message = f"there is no file or folder {path}"
        raise Refused(message, f"specs are named *{SUFFIX}; a file of any name can be passed")
    return path


def _below(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and name not in SKIPPED_FOLDERS
        )
        found = (Path(place, name) for name in sorted(files) if name.endswith(SUFFIX))
        # Reading a pipe would block.
        yield from (path for path in found if not path.is_fifo())


def _refuse(error: OSError) -> NoReturn:
    message = f"the folder {error.filename} cannot be read: {error.strerror}"
    raise Refused(message) from error
