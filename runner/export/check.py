"""Proving an export whole: every byte's digest, every file's count, before any line counts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from retable.runner.disk import free_bytes, not_written, replace_durably
from retable.runner.export.count import count_lines
from retable.runner.export.location import (
    LocalFolder,
    Location,
    ObjectStore,
    S3Prefix,
    data_folder,
    require_objects,
)
from retable.runner.export.manifest import ALTERED, DAMAGED, DataFile, Export, Format, View
from retable.runner.export.outdated import Outdated
from retable.runner.export.stored import Md5, open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import Progress

MOST_PACKED = 20
"""How many times smaller than the table its gzipped export may be; five to ten is usual."""

Watch = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """A data file on this machine whose bytes are those that the manifest names."""

    key: str
    path: Path
    item_count: int
    md5: str
    """Base64 of the MD5 of the bytes as stored."""
    format: Format = "DYNAMODB_JSON"
    """What its lines are written in."""
    view: View | None = None
    """Which images its lines have, in an incremental export; ``None`` where lines are items."""
    place: int = 0
    """Its export's place in the order of time; 0 is the full one."""
    outdated: Outdated | None = None
    """The lines that later changes have overtaken; ``None`` where all of them count."""

    @property
    def live(self) -> int:
        """Return how many lines count."""
        return self.item_count - (self.outdated.count if self.outdated else 0)


def check_export(
    export: Export,
    location: Location,
    objects: ObjectStore | None,
    spool: Path,
    progress: Progress,
) -> tuple[CheckedFile, ...]:
    """Check every data file of ``export`` and return them in the manifest's sorted order.

    Files in S3 are fetched into ``spool``; one that lies there whole is not fetched again. Local
    ones are read where they are.

    Raises:
        CheckFailed: a file is missing, altered or cut short, or a count disagrees.
        Refused: a local location does not hold the export.
        Stopped: the disk is full, or S3 does not answer.
    """
    folder = data_folder(location, export)
    place: _InPlace | _Fetcher
    if isinstance(folder, LocalFolder):
        place = _InPlace(folder.path)
    else:
        store = require_objects(objects)
        place = _Fetcher(export=export, folder=folder, objects=store, spool=spool)
        place.require_room()
    count = _Count(progress, export.item_count)
    checked = []
    for file in export.files:
        path = place.bring(file, count.watch)
        checked.append(
            CheckedFile(
                key=file.key,
                path=path,
                item_count=file.item_count,
                md5=file.md5,
                format=export.output_format,
                view=export.window.view if export.window else None,
            )
        )
        count.end(file)
    return tuple(checked)


class _Count:
    """How many items are checked, told to whoever watches."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def watch(self, lines: int) -> None:
        """Tell of ``lines`` of the present file."""
        self._progress.advance(self._done + lines, self._total, "items")

    def end(self, file: DataFile) -> None:
        """Go on to the next file."""
        self._done += file.item_count
        self.watch(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one pass over a stored data file has found."""

    md5: str
    lines: int
    fault: CheckFailed | None
    """Why its lines could not be counted."""


def _look(file: DataFile, path: Path, watch: Watch) -> _Look:
    """Read a stored data file once, for its digest and for its lines."""
    digest = Md5()
    lines = 0
    fault = None
    with open_stored(path, file.key) as stored:
        chunks = digest.of(stored_chunks(stored, file.key))
        try:
            lines = count_lines(plain_chunks(chunks, file.key), file.key, watch)
        except CheckFailed as error:
            fault = error
        # The digest is of all bytes, whatever they unpack to.
        for _ in chunks:
            pass
    return _Look(md5=digest.base64, lines=lines, fault=fault)


def _require_whole(file: DataFile, look: _Look) -> None:
    """Hold what was found against the manifest; the digest speaks first, since it says most."""
    if look.md5 != file.md5:
        message = f"data file {file.key}: MD5 is {look.md5}; the manifest says {file.md5}"
        raise CheckFailed(message, ALTERED)
    if look.fault is not None:
        raise look.fault
    if look.lines != file.item_count:
        message = (
            f"data file {file.key}: it has {look.lines:,} lines; "
            f"the manifest says {file.item_count:,}"
        )
        raise CheckFailed(message, DAMAGED)


@dataclass(frozen=True, slots=True)
class _InPlace:
    """The data files of an export on this machine."""

    folder: Path

    def bring(self, file: DataFile, watch: Watch) -> Path:
        """Return the checked file where it lies."""
        path = self.folder / file.name
        _require_whole(file, _look(file, path, watch))
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetcher:
    """Brings the data files of an export in S3 to this machine."""

    export: Export
    folder: S3Prefix
    objects: ObjectStore
    spool: Path

    def require_room(self) -> None:
        """Stop before the first byte where the disk cannot hold the export.

        The manifests tell the table's size, not the files', so this finds the hopeless only.
        """
        least = self.export.billed_bytes // MOST_PACKED - self._spooled()[0]
        free = free_bytes(self.spool)
        if least > free:
            message = (
                f"{self.spool} has {free:,} bytes free; fetching export {self.export.id} needs "
                f"at least {least:,} more, for {self.export.item_count:,} items"
            )
            raise Stopped(message, "make room or name another place with --run-dir, then resume")

    def bring(self, file: DataFile, watch: Watch) -> Path:
        """Return the checked file in the spool, fetching it unless it lies there whole."""
        path = self.spool / file.name
        if path.is_file():
            look = _look(file, path, watch)
            if look.md5 == file.md5:
                _require_whole(file, look)
                return path
        self._fetch(file, path)
        _require_whole(file, _look(file, path, watch))
        return path

    def _fetch(self, file: DataFile, path: Path) -> None:
        """Fetch the file; its name is there only once its content is on disk."""
        part = path.with_name(path.name + ".part")
        key = f"{self.folder.prefix}/{file.name}"
        try:
            self.spool.mkdir(parents=True, exist_ok=True)
            self.objects.download(self.folder.bucket, key, part, None)
            replace_durably(part, path)
        except OSError as error:
            raise not_written(error, path, self._left()) from error

    def _left(self) -> int | None:
        """Return about how many bytes the files not yet fetched have, by those that are here."""
        size, items = self._spooled()
        return size * (self.export.item_count - items) // items if items else None

    def _spooled(self) -> tuple[int, int]:
        """Return the bytes and the items of the files that are in the spool."""
        here = [file for file in self.export.files if (self.spool / file.name).is_file()]
        size = sum((self.spool / file.name).stat().st_size for file in here)
        return size, sum(file.item_count for file in here)
