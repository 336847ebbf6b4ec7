"""The export writer writes what the service writes, byte for byte where that is known."""

import base64
import gzip
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from retable.runner.export.write_export import ExportHead, write_native_export

ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
EXPORT_ID = "01790000000000-0a1b2c3d"
TIME = datetime(2026, 9, 21, 14, 13, 20, 417_999, tzinfo=UTC)
EMPTY_MD5 = "FjvgqIxwymKf1RbbqtrZag=="
EMPTY_ETAG = "7deb4078f238dd87d6af0538152c04e9-1"
"""Of the 20 bytes that the service stores for an empty partition, from a captured export."""


def _written(count: int = 100, **options: Any) -> dict[str, bytes]:
    stored: dict[str, bytes] = {}
    items = (b'{"id":{"S":"o-%d"}}' % number for number in range(count))
    files = options.pop("files", 4)
    wanted = {"prefix": "rebuild/orders", **options}
    head = ExportHead(
        table_arn=ARN,
        table_id="3f0c9d52",
        bucket="acme-exports",
        export_id=EXPORT_ID,
        export_time=TIME,
        **wanted,
    )
    written = write_native_export(stored.__setitem__, head, items, files=files)
    assert written == count
    return stored


def _files(stored: dict[str, bytes]) -> list[dict[str, Any]]:
    lines = next(body for key, body in stored.items() if key.endswith("manifest-files.json"))
    return [json.loads(line) for line in lines.splitlines()]


def test_every_item_is_on_one_line_of_one_file() -> None:
    stored = _written()
    files = _files(stored)
    found = []
    for entry in files:
        lines = gzip.decompress(stored[entry["dataFileS3Key"]]).splitlines(keepends=True)
        assert len(lines) == entry["itemCount"]
        assert all(line.endswith(b"\n") for line in lines)
        found += [json.loads(line)["Item"]["id"]["S"] for line in lines]
    assert sorted(found) == sorted(f"o-{number}" for number in range(100))
    assert sum(entry["itemCount"] > 0 for entry in files) == 3


def test_one_file_is_empty_and_has_the_digests_of_a_captured_one() -> None:
    stored = _written()
    empty = [entry for entry in _files(stored) if entry["itemCount"] == 0]
    assert [(entry["md5Checksum"], entry["etag"]) for entry in empty] == [(EMPTY_MD5, EMPTY_ETAG)]
    assert len(stored[empty[0]["dataFileS3Key"]]) == 20


def test_every_digest_is_of_the_stored_bytes() -> None:
    stored = _written()
    for entry in _files(stored):
        digest = hashlib.md5(stored[entry["dataFileS3Key"]]).digest()  # noqa: S324 -- the format's
        assert base64.b64decode(entry["md5Checksum"]) == digest
        assert entry["etag"] == hashlib.md5(digest).hexdigest() + "-1"  # noqa: S324 -- the format's


@pytest.mark.parametrize("name", ["manifest-files", "manifest-summary"])
def test_a_manifest_has_its_checksum_beside_it_in_24_bytes(name: str) -> None:
    stored = _written()
    folder = f"rebuild/orders/AWSDynamoDB/{EXPORT_ID}/"
    body, checksum = stored[f"{folder}{name}.json"], stored[f"{folder}{name}.md5"]
    assert len(checksum) == 24
    assert base64.b64decode(checksum) == hashlib.md5(body).digest()  # noqa: S324 -- the format's


def test_the_summary_is_one_line_without_an_end_and_has_the_captured_fields() -> None:
    stored = _written()
    body = stored[f"rebuild/orders/AWSDynamoDB/{EXPORT_ID}/manifest-summary.json"]
    assert b"\n" not in body
    summary = json.loads(body)
    expected = (
        "version exportArn startTime endTime tableArn tableId exportTime s3Bucket s3Prefix "
        "s3SseAlgorithm s3SseKmsKeyId manifestFilesS3Key billedSizeBytes itemCount outputFormat"
    )
    assert list(summary) == expected.split()
    assert summary["itemCount"] == 100
    assert summary["exportTime"] == "2026-09-21T14:13:20.417Z"
    assert summary["manifestFilesS3Key"].startswith("rebuild/orders/AWSDynamoDB/")


@pytest.mark.parametrize(
    ("prefix", "start"),
    [(None, "AWSDynamoDB/"), ("", "AWSDynamoDB/"), ("a/b/", "a/b/AWSDynamoDB/")],
)
def test_keys_are_relative_to_the_bucket(prefix: str | None, start: str) -> None:
    stored = _written(prefix=prefix)
    assert all(key.startswith(f"{start}{EXPORT_ID}/") for key in stored)
    for entry in _files(stored):
        name = entry["dataFileS3Key"].removeprefix(f"{start}{EXPORT_ID}/data/")
        assert re.fullmatch(r"[a-z2-7]{26}\.json\.gz", name)


def test_the_checksum_of_the_summary_is_written_last() -> None:
    stored = list(_written())
    assert stored[0].endswith("/_started")
    assert stored[-1].endswith("/manifest-summary.md5")


def test_the_same_items_give_the_same_bytes() -> None:
    assert _written() == _written()


@pytest.mark.parametrize(("count", "files"), [(0, 4), (0, 1), (1, 1), (5, 2), (3, 9)])
def test_any_number_of_files_holds_any_number_of_items(count: int, files: int) -> None:
    listed = _files(_written(count, files=files))
    assert len(listed) == files
    assert sum(entry["itemCount"] for entry in listed) == count


def test_no_file_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one data file"):
        _written(files=0)
