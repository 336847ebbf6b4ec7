"""Native exports on disk, whole or with any fault put into them."""

import base64
import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.manifest import Export
from retable.runner.export.prove_export import check_export
from retable.runner.export.write_export import (
    ExportHead,
    ExportWindow,
    write_native_export,
)
from retable.runner.failure import CheckFailed
from retable.runner.progress import NoProgress
from retable.runner.table.export_request import Format

EXPORT_ID = "01790000000000-0a1b2c3d"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
TABLE_ID = "3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968"
EXPORT_TIME = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
EMPTY_GZIP = bytes.fromhex("1f8b08000000000000ff03000000000000000000")
"""The 20 bytes of an empty data file, as the service writes them."""


@dataclass(frozen=True)
class MadeExport:
    """An export in the folder ``root``, which mirrors its bucket, below the prefix ``prefix``."""

    root: Path
    prefix: str = ""
    id: str = EXPORT_ID
    incremental: bool = False

    @property
    def location(self) -> LocalFolder:
        """Return where it lies, as a spec would name it."""
        return LocalFolder(self.root)

    @property
    def folder(self) -> Path:
        """Return its own folder."""
        return self.root / self.prefix / "AWSDynamoDB" / self.id

    def path(self, name: str) -> Path:
        """Return a file of it, ``manifest-files.json`` for instance."""
        return self.folder / name

    def open(self) -> Export:
        """Return its manifests, checked."""
        return open_export(self.location, self.id, None)

    def check(self) -> tuple[CheckedFile, ...]:
        """Return its data files, checked."""
        return check_export(self.open(), self.location, None, NoProgress())

    def entries(self) -> list[dict[str, Any]]:
        """Return the lines of the files manifest."""
        lines = self.path("manifest-files.json").read_bytes().splitlines()
        return [orjson.loads(line) for line in lines]

    def data(self, number: int = 0) -> Path:
        """Return the data file of the files manifest's line ``number``, from 0."""
        name = self.entries()[number]["dataFileS3Key"].rpartition("/")[2]
        return (self.folder.parent if self.incremental else self.folder) / "data" / str(name)

    def set_summary(self, **fields: Any) -> None:
        """Change fields of the summary and sign it again; ``...`` removes one."""
        old = orjson.loads(self.path("manifest-summary.json").read_bytes())
        new = {name: value for name, value in (old | fields).items() if value is not ...}
        self.sign("manifest-summary", orjson.dumps(new))

    def set_entries(self, entries: Sequence[dict[str, Any]]) -> None:
        """Replace the lines of the files manifest and sign it again."""
        self.sign("manifest-files", b"".join(orjson.dumps(entry) + b"\n" for entry in entries))

    def set_entry(self, number: int = 0, **fields: Any) -> None:
        """Change fields of one line of the files manifest and sign it again."""
        entries = self.entries()
        entries[number] |= fields
        self.set_entries([{k: v for k, v in entry.items() if v is not ...} for entry in entries])

    def sign(self, stem: str, content: bytes) -> None:
        """Write a manifest with the checksum file that fits it."""
        self.path(f"{stem}.json").write_bytes(content)
        self.path(f"{stem}.md5").write_bytes(md5_text(content).encode())

    def set_data(self, body: bytes, count: int, number: int = 0) -> None:
        """Replace a data file; both manifests agree that it has ``count`` items."""
        self.data(number).write_bytes(body)
        self.set_entry(number, md5Checksum=md5_text(body), itemCount=count)
        self.set_summary(itemCount=sum(entry["itemCount"] for entry in self.entries()))

    def change(self, name: str, change: Callable[[bytes], bytes]) -> None:
        """Change the bytes of any file behind the manifests' back."""
        path = self.path(name)
        path.write_bytes(change(path.read_bytes()))


def make_export(  # noqa: PLR0913 -- the facts of an export
    root: Path,
    items: Iterable[bytes] | int = 9,
    *,
    prefix: str = "",
    export_id: str = EXPORT_ID,
    files: int = 4,
    table_arn: str = TABLE_ARN,
    output_format: Format = "DYNAMODB_JSON",
    time: datetime = EXPORT_TIME,
    window: ExportWindow | None = None,
) -> MadeExport:
    """Write a whole export of ``items`` (attribute maps; a number makes that many) below ``root``.

    With a ``window`` it is an incremental one, and the items are its lines. One of several data
    files is always empty.
    """

    def put(key: str, body: bytes) -> None:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    head = ExportHead(
        table_arn=table_arn,
        table_id=TABLE_ID,
        bucket="acme-exports",
        prefix=prefix or None,
        export_id=export_id,
        export_time=time,
        output_format=output_format,
        window=window,
    )
    records = some_items(items) if isinstance(items, int) else items
    write_native_export(put, head, records, files=files)
    return MadeExport(root, prefix, export_id, incremental=window is not None)


def some_items(count: int) -> Iterator[bytes]:
    """Yield ``count`` items with the number key ``id``, from 0."""
    for number in range(count):
        yield orjson.dumps({"id": {"N": str(number)}, "name": {"S": f"item {number}"}})


def packed(lines: Iterable[bytes], members: int = 1, *, end: bytes = b"\n") -> bytes:
    """Return a data file of ``lines`` in so many gzip members; ``end`` ends the last line."""
    content = b"\n".join(lines) + end
    size = -(-len(content) // members) or 1
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    return b"".join(gzip.compress(piece, mtime=0) for piece in pieces) or EMPTY_GZIP


def md5_text(body: bytes) -> str:
    """Return the base64 MD5 of ``body``, as manifests write it."""
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def with_flipped_bit(body: bytes, at: int) -> bytes:
    """Return ``body`` with one bit of the byte ``at`` turned."""
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


class LocalObjects:
    """S3 as a folder: each bucket is a folder in ``root``; ``fetched`` are the downloaded keys."""

    def __init__(self, root: Path) -> None:
        """Serve what lies below ``root``."""
        self.root = root
        self.fetched: list[str] = []

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object; one that is not there is a failed check."""
        path = self.root / bucket / key
        if not path.is_file():
            message = f"s3://{bucket}/{key} does not exist"
            raise CheckFailed(message)
        return path.read_bytes()

    def download(self, bucket: str, key: str, path: Path, etag: str | None) -> str:
        """Fetch an object, which must be the one that ``etag`` names."""
        body = self.read(bucket, key)
        found = hashlib.md5(body, usedforsecurity=False).hexdigest()
        if etag not in {None, found}:
            message = f"s3://{bucket}/{key} has changed"
            raise CheckFailed(message)
        self.fetched.append(key)
        path.write_bytes(body)
        return found

    def list_keys(self, bucket: str, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with ``prefix``."""
        top = self.root / bucket
        for path in sorted(top.rglob("*")):
            key = path.relative_to(top).as_posix()
            if path.is_file() and key.startswith(prefix):
                yield key
