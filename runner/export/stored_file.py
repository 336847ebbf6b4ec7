"""Reads a stored data file: its bytes, and what they unpack to, in bounded memory.

It does not interpret the content.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from retable.runner.export.manifest import DAMAGED
from retable.runner.failure import CheckFailed, Stopped

STORED_BYTES = 256 << 10
PLAIN_BYTES = 1 << 20
"""How much is held at once, before and after unpacking."""
GZIP = 16 + zlib.MAX_WBITS


def open_stored(path: Path, name: str) -> BinaryIO:
    """Open the data file called ``name``, which is at ``path``.

    Raises:
        CheckFailed: it does not exist.
        Stopped: it cannot be read.
    """
    try:
        return path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        message = f"data file {name} is missing: there is no file {path}"
        raise CheckFailed(message, "the export is incomplete; make a new one") from error
    except OSError as error:
        raise _unreadable(name, error) from error


def stored_chunks(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Yield the bytes of an open data file from its current position.

    Raises:
        Stopped: it cannot be read.
    """
    try:
        while chunk := file.read(STORED_BYTES):
            yield chunk
    except OSError as error:
        raise _unreadable(name, error) from error


class Md5:
    """The MD5 of all chunks that have passed through."""

    def __init__(self) -> None:
        """Start with no chunk."""
        self._digest = hashlib.md5(usedforsecurity=False)

    def of(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield ``chunks`` unchanged."""
        for chunk in chunks:
            self._digest.update(chunk)
            yield chunk

    @property
    def base64(self) -> str:
        """Return it as manifests write it."""
        return base64.b64encode(self._digest.digest()).decode()


def md5_of(chunks: Iterable[bytes]) -> str:
    """Return the base64 MD5 of ``chunks``."""
    digest = Md5()
    for _ in digest.of(chunks):
        pass
    return digest.base64


def plain_chunks(stored: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Yield the content unpacked; concatenated gzip members are one content.

    ``zlib`` alone accepts a truncated stream, and stops at a second member; so both are checked for
    here.

    Raises:
        CheckFailed: it is not gzip, is truncated, or a member's CRC or length is wrong.
    """
    member = None
    members = 0
    for chunk in stored:
        rest = chunk
        while rest:
            if member is None:
                member = zlib.decompressobj(GZIP)
                members += 1
            try:
                # Bounded, since a hostile file can unpack to a thousand times its size.
                plain = member.decompress(rest, PLAIN_BYTES)
            except zlib.error as error:
                raise _broken(name, str(error).rpartition(": ")[2]) from error
            if plain:
                yield plain
            rest = member.unconsumed_tail
            if member.eof:
                rest = member.unused_data
                member = None
    if member is not None or not members:
        raise _broken(name, "it is truncated" if members else "the file is empty")


def _broken(name: str, found: str) -> CheckFailed:
    """Return the failure for a data file that cannot be unpacked."""
    return CheckFailed(f"data file {name}: expected a complete gzip file, found: {found}", DAMAGED)


def _unreadable(name: str, error: OSError) -> Stopped:
    """Return the failure for a data file that cannot be read."""
    return Stopped(f"data file {name} cannot be read: {error.strerror}", "fix that, then resume")
