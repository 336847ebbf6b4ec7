"""Small ledgers for tests: results with made-up digests, written as the engine writes them."""

import base64
import gzip
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import orjson

from retable.runner.export.datafile import CheckedFile
from retable.runner.ledger.write_ledger import ActualWriter, LedgerWriter
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Result


def key_text(name: str) -> str:
    """Return the canonical key of an item called ``name``."""
    return orjson.dumps({"id": {"S": name}}).decode()


def result(name: str, value: str = "", *, rank: bytes | None = None, size: int = 100) -> Result:
    """Return the result for the key ``name``; another ``value`` gives another digest."""
    item = orjson.dumps({"id": {"S": name}, "v": {"S": value}})
    digest = hashlib.blake2b(item, digest_size=16).digest()
    halves = (int.from_bytes(digest[:8], "big"), int.from_bytes(digest[8:], "big"))
    return Result(item, key_text(name), halves, size, rank)


def kept(name: str, value: str = "", *, rank: bytes | None = None) -> Kept:
    """Return the outcome of an item that becomes one result."""
    return Kept((result(name, value, rank=rank),))


def write_ledger(
    folder: Path,
    outcomes: Sequence[Outcome],
    *,
    lines: Sequence[bytes] | None = None,
    part: int = 0,
) -> Path:
    """Write one part of an expected ledger, the data file of which is ``data/<part>.json.gz``."""
    folder.mkdir(parents=True, exist_ok=True)
    with LedgerWriter(folder / f"{part:05d}.parquet", f"data/{part}.json.gz") as writer:
        for number, outcome in enumerate(outcomes, 1):
            line = lines[number - 1] if lines else b'{"Item":{"n":{"N":"%d"}}}' % number
            writer.add(number, line, outcome)
    return folder


def write_actual(folder: Path, results: Iterable[Result], *, part: int = 0) -> Path:
    """Write one part of an actual ledger."""
    folder.mkdir(parents=True, exist_ok=True)
    with ActualWriter(folder / f"{part:05d}.parquet") as writer:
        for made in results:
            writer.add(made)
    return folder


def write_data_file(path: Path, lines: Sequence[bytes]) -> CheckedFile:
    """Write a gzipped data file with ``lines``, each ended by a newline."""
    path.parent.mkdir(parents=True, exist_ok=True)
    body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    path.write_bytes(body)
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    return CheckedFile(key=path.name, path=path, item_count=len(lines), md5=digest)


def as_line(item: Mapping[str, object]) -> bytes:
    """Return the line of a native export for one typed item."""
    return orjson.dumps({"Item": item})


DROPPED = Dropped()
