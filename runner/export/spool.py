"""Data files from S3 on this machine: fetched when they are needed, kept while there is room.

The spool keeps files up to its limit, and beyond that only those being read; an evicted file is
fetched again, and must be the same object. The reader checks its digest against the manifest.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Protocol

from retable.runner.disk import not_written, replace_durably
from retable.runner.export.datafile import CheckedFile, StoredObject
from retable.runner.export.location import ObjectStore

DEFAULT_BYTES = 20 * 10**9


class Holder(Protocol):
    """Makes data files available on this machine."""

    def take(self, file: CheckedFile) -> None:
        """Return once ``file`` is at its path; it stays until ``give``."""
        ...

    def give(self, file: CheckedFile) -> None:
        """Release a file that was taken."""
        ...


class InPlace:
    """Files that are on this machine already."""

    def take(self, file: CheckedFile) -> None:
        """Do nothing."""

    def give(self, file: CheckedFile) -> None:
        """Do nothing."""


IN_PLACE = InPlace()


@dataclass(slots=True)
class Spool:
    """The folder of fetched files, shared by the threads of this process."""

    folder: Path
    objects: ObjectStore
    most_bytes: int = DEFAULT_BYTES
    _users: Counter[Path] = field(default_factory=Counter)
    _sizes: dict[Path, int] = field(default_factory=dict)
    _etags: dict[Path, str] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def take(self, file: CheckedFile) -> None:
        """Return once ``file`` is at its path; fetch it if it is not.

        Raises:
            CheckFailed: it no longer exists, or is not the object that was fetched before.
            Stopped: S3 does not answer, or the disk is full.
        """
        with self._lock:
            self._users[file.path] += 1
        try:
            if file.stored is not None and not file.path.is_file():
                self._fetch(file.path, file.stored)
            elif file.stored is not None:
                self._sizes.setdefault(file.path, file.path.stat().st_size)
        except BaseException:
            self.give(file)
            raise

    def give(self, file: CheckedFile) -> None:
        """Release a file that was taken; delete it if the spool is over its limit."""
        with self._lock:
            self._users[file.path] -= 1
            used = self._users[file.path] > 0
            full = sum(self._sizes.values()) > self.most_bytes
            if file.stored is not None and full and not used:
                file.path.unlink(missing_ok=True)
                self._sizes.pop(file.path, None)

    def fetch_again(self, file: CheckedFile) -> bool:
        """Fetch a taken file again if it was here before this process; return whether it was."""
        if file.stored is None or file.path in self._etags:
            return False
        self._fetch(file.path, file.stored)
        return True

    def _fetch(self, path: Path, stored: StoredObject) -> None:
        """Fetch an object; its name appears only once its content is on disk."""
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            etag = self.objects.download(stored.bucket, stored.key, part, self._etags.get(path))
            replace_durably(part, path)
        except OSError as error:
            raise not_written(error, path) from error
        self._etags[path] = etag
        self._sizes[path] = path.stat().st_size


@contextmanager
def held(holder: Holder, file: CheckedFile) -> Iterator[None]:
    """Hold ``file`` for the length of the block."""
    holder.take(file)
    try:
        yield
    finally:
        holder.give(file)


def in_turn(holder: Holder, files: Sequence[CheckedFile]) -> Iterator[CheckedFile]:
    """Yield each of ``files`` while it is held; the next one is fetched meanwhile.

    Raises:
        CheckFailed: as ``Spool.take``.
        Stopped: as ``Spool.take``.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as pool:
        coming: Future[None] | None = None
        for number, file in enumerate(files):
            if coming is None:
                holder.take(file)
            else:
                coming.result()
            following = files[number + 1] if number + 1 < len(files) else None
            coming = pool.submit(holder.take, following) if following is not None else None
            try:
                yield file
            except BaseException:
                if coming is not None and following is not None and coming.exception() is None:
                    holder.give(following)
                raise
            finally:
                holder.give(file)
