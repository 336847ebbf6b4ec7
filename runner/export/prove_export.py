"""Proves that an export is complete: every file's digest and count, before any line is used."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from retable.runner.disk import free_bytes
from retable.runner.export.count import count_lines
from retable.runner.export.datafile import CheckedFile, StoredObject
from retable.runner.export.location import LocalFolder, Location, data_folder
from retable.runner.export.manifest import ALTERED, DAMAGED, Export
from retable.runner.export.spool import IN_PLACE, Spool, in_turn
from retable.runner.export.stored_file import Md5, open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import Progress

MOST_PACKED = 20
"""How many times smaller than the table its gzipped export may be; five to ten is usual."""

Watch = Callable[[int], None]


def check_export(
    export: Export, location: Location, spool: Spool | None, progress: Progress
) -> tuple[CheckedFile, ...]:
    """Check every data file of ``export`` and return them in the manifest's sorted order.

    Files in S3 are fetched through ``spool``, each while the one before it is read; local ones are
    read in place.

    Raises:
        CheckFailed: a file is missing, altered or cut short, or a count disagrees.
        Refused: a local location does not hold the export.
        Stopped: the disk is full, or S3 does not answer.
    """
    files = data_files(export, location, spool)
    if spool is not None:
        _require_room(export, files, spool)
    count = _Count(progress, export.item_count)
    for file in in_turn(spool or IN_PLACE, files):
        _require_whole(file, _read_whole(file, spool, count.watch))
        count.end(file)
    return files


def data_files(export: Export, location: Location, spool: Spool | None) -> tuple[CheckedFile, ...]:
    """Return the data files that the manifest names, unchecked: where each is or will be.

    Raises:
        Refused: a local location does not hold the export.
    """
    return tuple(_files(export, location, spool))


def _files(export: Export, location: Location, spool: Spool | None) -> Iterator[CheckedFile]:
    folder = data_folder(location, export)
    for file in export.files:
        stored = None
        if isinstance(folder, LocalFolder):
            path = folder.path / file.name
        elif spool is None:
            message = "a location in S3 needs a spool"
            raise TypeError(message)
        else:
            path = spool.folder / export.id / file.name
            stored = StoredObject(folder.bucket, f"{folder.prefix}/{file.name}")
        yield CheckedFile(
            key=file.key,
            path=path,
            item_count=file.item_count,
            md5=file.md5,
            stored=stored,
            format=export.output_format,
            view=export.window.view if export.window else None,
        )


def _require_room(export: Export, files: tuple[CheckedFile, ...], spool: Spool) -> None:
    """Stop before the first byte if the disk cannot hold what the spool must hold.

    The manifests have the table's size, not the files', so this catches only clear cases.
    """
    here = sum(file.path.stat().st_size for file in files if file.path.is_file())
    least = min(export.billed_bytes // MOST_PACKED, spool.most_bytes) - here
    free = free_bytes(spool.folder)
    if least > free:
        message = (
            f"{spool.folder} has {free:,} bytes free; fetching export {export.id} needs "
            f"at least {least:,} more, for {export.item_count:,} items"
        )
        hint = "free disk space, set a smaller RETABLE_SPOOL or another --run-dir, then resume"
        raise Stopped(message, hint)


def _read_whole(file: CheckedFile, spool: Spool | None, watch: Watch) -> "_Pass":
    """Read a held file; if it is bad and an earlier process fetched it, fetch it again."""
    found = _pass(file, watch)
    if found.md5 != file.md5 and spool is not None and spool.fetch_again(file):
        found = _pass(file, watch)
    return found


class _Count:
    """Counts checked items and reports them as progress."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress = progress
        self._total = total
        self._done = 0

    def watch(self, lines: int) -> None:
        """Report ``lines`` of the current file."""
        self._progress.advance(self._done + lines, self._total, "items")

    def end(self, file: CheckedFile) -> None:
        """Move on to the next file."""
        self._done += file.item_count
        self.watch(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """The result of one pass over a stored data file."""

    md5: str
    lines: int
    fault: CheckFailed | None
    """Why its lines could not be counted."""


def _pass(file: CheckedFile, watch: Watch) -> _Pass:
    """Read a held data file once, for its digest and its lines."""
    digest = Md5()
    lines = 0
    fault = None
    with open_stored(file.path, file.key) as stored:
        chunks = digest.of(stored_chunks(stored, file.key))
        try:
            lines = count_lines(plain_chunks(chunks, file.key), file.key, watch)
        except CheckFailed as error:
            fault = error
        # The digest covers all bytes, whatever they unpack to.
        for _ in chunks:
            pass
    return _Pass(md5=digest.base64, lines=lines, fault=fault)


def _require_whole(file: CheckedFile, found: _Pass) -> None:
    """Compare the result with the manifest; the digest comes first, since it says most."""
    if found.md5 != file.md5:
        message = f"data file {file.key}: MD5 is {found.md5}; the manifest says {file.md5}"
        raise CheckFailed(message, ALTERED)
    if found.fault is not None:
        raise found.fault
    if found.lines != file.item_count:
        message = (
            f"data file {file.key}: it has {found.lines:,} lines; "
            f"the manifest says {file.item_count:,}"
        )
        raise CheckFailed(message, DAMAGED)
