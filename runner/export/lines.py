"""Reads the lines of a data file, one exported item each. The mapping parses them."""

from collections.abc import Callable, Iterable, Iterator

from retable.runner.export.count import MAX_LINE_BYTES, too_long
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.manifest import DAMAGED
from retable.runner.export.outdated import outdated_lines
from retable.runner.export.stored_file import Md5, md5_of, open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed

Passed = Callable[[int, bytes], None]
"""Called with the number and the bytes of a line that does not count."""


def read_lines(file: CheckedFile, passed: Passed | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield each line of ``file`` that counts: its number, from 1, and its bytes without newline.

    Outdated lines go to ``passed`` instead. The digest is checked again before the first line: the
    file may have been replaced since it was checked.

    Raises:
        CheckFailed: it is not the file that was checked, or it has another number of lines.
        Stopped: it cannot be read.
    """
    with open_stored(file.path, file.key) as stored:
        _require_digest(file, md5_of(stored_chunks(stored, file.key)))
        # Through the same handle: a file that takes the name now is not the one just checked.
        stored.seek(0)
        yield from _counted(file, stored_chunks(stored, file.key), passed)


def stream_lines(file: CheckedFile, passed: Passed | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield what ``read_lines`` does, but read the file once: its digest is checked after the last.

    For callers that can throw away everything they derived from the lines.

    Raises:
        CheckFailed: as ``read_lines``, after any line.
        Stopped: it cannot be read.
    """
    digest = Md5()
    with open_stored(file.path, file.key) as stored:
        chunks = digest.of(stored_chunks(stored, file.key))
        try:
            yield from _counted(file, chunks, passed)
        except CheckFailed:
            # A wrong digest says more than what is wrong with the lines.
            for _ in chunks:
                pass
            _require_digest(file, digest.base64)
            raise
    _require_digest(file, digest.base64)


def _require_digest(file: CheckedFile, found: str) -> None:
    if found != file.md5:
        message = f"data file {file.key}: MD5 is {found} now; it was checked with {file.md5}"
        raise CheckFailed(message, "the file has been replaced since; make a new export")


def _counted(
    file: CheckedFile, chunks: Iterable[bytes], passed: Passed | None
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that count, with their numbers, and check that none is missing."""
    outdated = outdated_lines(file.outdated) if file.outdated else iter(())
    skipped = next(outdated, 0)
    number = 0
    for number, line in enumerate(split_lines(plain_chunks(chunks, file.key), file.key), 1):
        if number == skipped:
            skipped = next(outdated, 0)
            if passed is not None:
                passed(number, line)
        else:
            yield number, line
    if number != file.item_count:
        message = (
            f"data file {file.key}: it has {number:,} lines; the manifest says {file.item_count:,}"
        )
        raise CheckFailed(message, DAMAGED)
    if skipped:
        message = (
            f"data file {file.key}: the list of outdated lines names line {skipped:,}, "
            f"of {number:,}"
        )
        raise CheckFailed(message, "the run folder was altered; start a new run")


def split_lines(plain: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the lines of content that comes in chunks; the last one may lack its newline.

    Raises:
        CheckFailed: a line is longer than any item can make it.
    """
    begun: list[bytes] = []
    held = done = 0
    for chunk in plain:
        lines = chunk.split(b"\n")
        held += len(lines[0])
        # A chunk is shorter than the limit, so only the line it begins in can be too long.
        if held > MAX_LINE_BYTES:
            raise too_long(name, done + 1)
        begun.append(lines[0])
        if len(lines) > 1:
            yield b"".join(begun)
            yield from lines[1:-1]
            done += len(lines) - 1
            begun = [lines[-1]]
            held = len(lines[-1])
    if held:
        yield b"".join(begun)
