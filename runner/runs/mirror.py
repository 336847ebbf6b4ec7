"""Copies a run folder to S3: whole files, or what was appended to them.

It leaves out what the next machine recreates by itself: fetched data files, what a verification
reads, the ledger of a rehearsal, and whatever is still being written.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from retable.runner.runs.folder import RunFolder
from retable.runner.runs.stored_runs import (
    KEPT,
    REMOVED,
    KeptPart,
    StoredRuns,
    as_fields,
    sha256_of,
)

GROWING = "quarantine"
"""The folder whose files are appended to; a change of any other kind creates a new file."""


@dataclass(frozen=True, slots=True)
class _Version:
    """What distinguishes one state of a file from another."""

    inode: int
    size: int
    modified: int


class Mirror:
    """Copies the folder of one run to S3, for one holder of its lock."""

    def __init__(self, runs: StoredRuns, folder: RunFolder, token: int) -> None:
        """Start from a folder that matches S3."""
        self._runs = runs
        self._folder = folder
        self._token = token
        self._count = 0
        self._known = dict(_versions(folder.path))

    def settle(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Store what is new in the folder and yield the journal records about it.

        Raises:
            Stopped: S3 does not answer.
        """
        present = dict(_versions(self._folder.path))
        parts = [
            self._store(path, version, self._known.get(path))
            for path, version in sorted(present.items())
            if version != self._known.get(path)
        ]
        removed = sorted(path.as_posix() for path in self._known.keys() - present.keys())
        if parts:
            yield KEPT, {"parts": [as_fields(part) for part in parts]}
        if removed:
            yield REMOVED, {"paths": removed}
        self._known = present

    def _store(self, path: PurePosixPath, now: _Version, before: _Version | None) -> KeptPart:
        """Store a file, or what was appended to it since."""
        grew = (
            path.parts[0] == GROWING
            and before is not None
            and before.inode == now.inode
            and before.size < now.size
        )
        offset = before.size if grew and before is not None else 0
        self._count += 1
        # No name is used twice: a runner that has lost its lock cannot overwrite anything.
        name = f"{self._token:06d}-{self._count:06d}/{path}"
        local = self._folder.path / path
        return KeptPart(
            path=path.as_posix(),
            sha256=sha256_of(local, offset),
            size=now.size - offset,
            offset=offset,
            key=self._runs.put_part(self._folder.run_id, name, local, offset),
        )


def _versions(root: Path) -> Iterator[tuple[PurePosixPath, _Version]]:
    """Yield every file below ``root`` that the next machine needs."""
    for where, _, names in os.walk(root):
        for name in names:
            path = Path(where, name)
            inside = PurePosixPath(path.relative_to(root).as_posix())
            if is_needed(inside) and not path.is_symlink():
                stat = path.stat()
                yield inside, _Version(stat.st_ino, stat.st_size, stat.st_mtime_ns)


def is_needed(path: PurePosixPath) -> bool:
    """Return whether the next machine needs the file ``path`` of a run folder.

    Files at the top have keys of their own in S3, or are only for people to look at.
    """
    if len(path.parts) == 1 or path.suffix == ".part" or path.parts[0] == "spool":
        return False
    if any(part.startswith(".spill") for part in path.parts):
        return False
    return path.parts[0] != "ledger" or path.parts[1] == "expected"
