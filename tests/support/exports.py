"""Local exports with the real layout, and every fault that one can have."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from retable.runner.export.check import CheckedFile, check_export
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.progress import NoProgress
from retable.runner.sandbox.native_export import write_native_export

EXPORT_ID = "01790000000000-0a1b2c3d"
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
TABLE_ID = "3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968"


def write_export(root: Path, items: Iterable[dict[str, Any]], files: int = 4) -> Path:
    """Write an export of ``items`` (DynamoDB JSON) below ``root`` and return its own folder."""

    def put(key: str, body: bytes) -> None:
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)

    write_native_export(
        put,
        (json.dumps(item).encode() for item in items),
        table_arn=TABLE_ARN,
        table_id=TABLE_ID,
        bucket="acme-exports",
        prefix=None,
        export_id=EXPORT_ID,
        export_time=datetime(2026, 11, 20, 2, tzinfo=UTC),
        files=files,
    )
    return root / "AWSDynamoDB" / EXPORT_ID


def checked(root: Path, export_id: str = EXPORT_ID) -> tuple[CheckedFile, ...]:
    """Return the data files of a local export, proved whole."""
    location = LocalFolder(root)
    export = open_export(location, export_id, None)
    return check_export(export, location, None, root / "spool", NoProgress())


def full_data_file(folder: Path) -> Path:
    """Return a data file that has items in it."""
    return max((folder / "data").iterdir(), key=lambda path: path.stat().st_size)


def reseal(folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change the files manifest and make its checksum right again, as a forger would."""
    path = folder / "manifest-files.json"
    entries = [json.loads(line) for line in path.read_bytes().splitlines()]
    change(entries)
    content = b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)
    path.write_bytes(content)
    path.with_suffix(".md5").write_bytes(md5(content))


def replace_content(folder: Path, path: Path, stored: bytes) -> None:
    """Exchange a data file's bytes and give the manifest their digest."""
    path.write_bytes(stored)

    def change(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            if entry["dataFileS3Key"].endswith(path.name):
                entry["md5Checksum"] = md5(stored).decode()

    reseal(folder, change)


def md5(content: bytes) -> bytes:
    """Return the base64 MD5, as manifests have it."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest())


def lines_of(path: Path) -> bytes:
    """Return a data file's content."""
    return gzip.decompress(path.read_bytes())
