"""Durable writes to the local disk, and the failure for a file that cannot be written."""

import errno
import os
import shutil
from pathlib import Path

from retable.runner.failure import Stopped

FULL = frozenset([errno.ENOSPC, errno.EDQUOT])


def replace_durably(temporary: Path, path: Path) -> None:
    """Move the finished file ``temporary`` to ``path`` so that the move survives a power loss."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_durably(path: Path, text: bytes) -> None:
    """Write the file ``path`` atomically.

    Raises:
        Stopped: the disk is full or refuses the write.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        temporary.write_bytes(text)
        replace_durably(temporary, path)
    except OSError as error:
        raise not_written(error, path) from error


def not_written(error: OSError, path: Path) -> Stopped:
    """Return the failure for ``path`` that could not be written."""
    reason = error.strerror or type(error).__name__
    if error.errno not in FULL:
        return Stopped(f"{path} cannot be written: {reason}", "fix the cause, then resume")
    message = f"{path} cannot be written: {reason} ({free_bytes(path):,} bytes are free)"
    return Stopped(message, "free disk space or choose another folder with --run-dir, then resume")


def free_bytes(path: Path) -> int:
    """Return the free bytes of the file system where ``path`` is, or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free
