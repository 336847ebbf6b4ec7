"""The manifests: what is read out of them, and what is not believed."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retable.runner.export.manifest import Window, parse_summary
from retable.runner.failure import CheckFailed, Refused
from support.exports import EXPORT_ID, TABLE_ARN, TABLE_ID, MadeExport, make_export, md5_text

# Written by the service for real exports: four files of an empty on-demand table each.
EMPTY_FILE = b"FjvgqIxwymKf1RbbqtrZag=="


@pytest.fixture
def made(tmp_path: Path) -> MadeExport:
    return make_export(tmp_path, prefix="rebuild/orders")


def test_a_whole_export_is_read_field_by_field(made: MadeExport) -> None:
    export = made.open()
    assert (export.id, export.table_arn, export.table_id) == (EXPORT_ID, TABLE_ARN, TABLE_ID)
    assert export.arn == f"{TABLE_ARN}/export/{EXPORT_ID}"
    assert export.export_time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert export.item_count == sum(file.item_count for file in export.files) == 9
    assert len(export.files) == 4
    assert export.output_format == "DYNAMODB_JSON"


def test_an_empty_data_file_has_the_digest_that_the_service_gives_it(tmp_path: Path) -> None:
    export = make_export(tmp_path, 0).open()
    assert {file.md5 for file in export.files} == {EMPTY_FILE.decode()}
    assert {file.etag for file in export.files} == {"7deb4078f238dd87d6af0538152c04e9-1"}


def test_i7_the_order_of_the_files_manifest_does_not_matter(made: MadeExport) -> None:
    before = made.open()
    made.set_entries(made.entries()[::-1])
    assert made.open() == before


def test_unknown_fields_are_passed_over(made: MadeExport) -> None:
    before = made.open()
    made.set_summary(newField={"a": [1]}, s3Prefix=None, s3SseKmsKeyId="arn:aws:kms:x")
    made.set_entry(0, crc64="abc")
    assert made.open() == before


def test_a_full_export_may_say_that_it_is_one(made: MadeExport) -> None:
    made.set_summary(exportType="FULL_EXPORT")
    assert made.open().item_count == 9


def test_an_export_in_ion_says_so(made: MadeExport) -> None:
    made.set_summary(outputFormat="ION")
    assert made.open().output_format == "ION"


INCREMENTAL = {
    "version": "2023-08-01",
    "exportType": "INCREMENTAL_EXPORT",
    "exportTime": ...,
    "exportFromTime": "2026-09-21T14:13:20.000Z",
    "exportToTime": "2026-09-21T15:13:20.000Z",
    "outputView": "NEW_AND_OLD_IMAGES",
}


def make_incremental(made: MadeExport, **fields: Any) -> None:
    """Turn an export into an incremental one, whose files lie in the folder all share."""
    made.set_summary(**INCREMENTAL | fields)
    for number, entry in enumerate(made.entries()):
        key = entry["dataFileS3Key"].replace(f"{EXPORT_ID}/data/", "data/")
        made.set_entry(number, dataFileS3Key=key)


@pytest.mark.parametrize("view", ["NEW_IMAGE", "NEW_IMAGES", "NEW_AND_OLD_IMAGES"])
def test_an_incremental_export_has_a_window_and_no_time_of_its_own(
    made: MadeExport, view: str
) -> None:
    make_incremental(made, outputView=view)
    export = made.open()
    start = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    end = start.replace(hour=15)
    wanted = "NEW_AND_OLD_IMAGES" if "OLD" in view else "NEW_IMAGE"
    assert export.window == Window(start=start, end=end, view=wanted)  # type: ignore[arg-type]  # one of the two
    assert export.export_time == end
    assert export.data_folder == "AWSDynamoDB/data"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"exportFromTime": ...}, "exportFromTime is missing; expected a non-empty string"),
        ({"exportToTime": "2026-09-21T14:13:20Z"}, "exportToTime is not after exportFromTime"),
        ({"outputView": "OLD_IMAGE"}, "outputView is OLD_IMAGE; expected NEW_IMAGE or NEW_AND"),
        ({"outputView": 1}, "outputView is wrong; expected a non-empty string"),
    ],
)
def test_a_wrong_window_is_named(made: MadeExport, fields: dict[str, Any], words: str) -> None:
    make_incremental(made, **fields)
    with pytest.raises(CheckFailed, match=re.escape(words)):
        made.open()


def test_the_files_of_an_incremental_export_lie_in_the_shared_folder_only(made: MadeExport) -> None:
    made.set_summary(**INCREMENTAL)
    with pytest.raises(CheckFailed, match=r"line 1: .*; expected one in AWSDynamoDB/data"):
        made.open()


def test_a_checksum_file_may_end_in_a_newline(made: MadeExport) -> None:
    made.change("manifest-summary.md5", lambda text: text + b"\n")
    assert made.open().item_count == 9


@pytest.mark.parametrize("stem", ["manifest-summary", "manifest-files"])
def test_an_altered_manifest_is_refused_with_both_digests(made: MadeExport, stem: str) -> None:
    before = made.path(f"{stem}.md5").read_text()
    made.change(f"{stem}.json", lambda content: content.replace(b":", b": ", 1))
    now = md5_text(made.path(f"{stem}.json").read_bytes())
    wanted = f"AWSDynamoDB/{EXPORT_ID}/{stem}.json: MD5 is {now}; AWSDynamoDB/{EXPORT_ID}/{stem}"
    with pytest.raises(CheckFailed, match=re.escape(f"{wanted}.md5 says {before}")):
        made.open()


@pytest.mark.parametrize("stem", ["manifest-summary", "manifest-files"])
def test_a_truncated_manifest_is_refused(made: MadeExport, stem: str) -> None:
    made.change(f"{stem}.json", lambda content: content[:-20])
    with pytest.raises(CheckFailed, match=rf"{stem}\.json: MD5 is"):
        made.open()


@pytest.mark.parametrize("stem", ["manifest-summary", "manifest-files"])
def test_an_empty_checksum_file_is_refused(made: MadeExport, stem: str) -> None:
    made.change(f"{stem}.md5", lambda _: b"")
    with pytest.raises(CheckFailed, match=rf"{stem}\.md5 says nothing"):
        made.open()


@pytest.mark.parametrize(
    "name",
    [
        "manifest-summary.json",
        "manifest-summary.md5",
        "manifest-files.json",
        "manifest-files.md5",
    ],
)
def test_a_missing_manifest_is_refused_by_name(made: MadeExport, name: str) -> None:
    made.path(name).unlink()
    with pytest.raises(CheckFailed, match=rf"{re.escape(name)} is missing"):
        made.open()


def test_an_export_that_is_still_being_written_is_not_finished(made: MadeExport) -> None:
    made.path("manifest-summary.md5").unlink()
    with pytest.raises(CheckFailed, match=r"the export is not finished: .*manifest-summary\.md5"):
        made.open()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"exportType": "PARTIAL_EXPORT"}, "expected FULL_EXPORT or INCREMENTAL_EXPORT"),
        ({"exportType": ["FULL_EXPORT"]}, "expected FULL_EXPORT or INCREMENTAL_EXPORT"),
        ({"outputFormat": "PARQUET"}, "outputFormat PARQUET; expected DYNAMODB_JSON or ION"),
        ({"version": "2031-01-01"}, "version 2031-01-01; expected 2020-06-30 or 2023-08-01"),
        ({"version": ...}, "has version None; expected 2020-06-30 or 2023-08-01"),
    ],
)
def test_a_kind_of_export_that_is_not_known_is_refused(
    made: MadeExport, fields: dict[str, Any], words: str
) -> None:
    made.set_summary(**fields)
    with pytest.raises(Refused, match=re.escape(words)):
        made.open()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"tableId": ...}, "tableId is missing; expected a non-empty string"),
        ({"tableId": ""}, "manifest-summary.json: tableId is wrong; expected a non-empty string"),
        ({"exportTime": ...}, "manifest-summary.json: exportTime is missing"),
        ({"exportTime": "yesterday"}, "exportTime is wrong; expected a time"),
        ({"exportTime": "2026-09-21T14:13:20"}, "expected a time with a UTC offset"),
        ({"exportTime": "0001-01-01T00:00:00+23:59"}, "expected a time"),
        ({"itemCount": ...}, "itemCount is missing; expected a number of 0 or more"),
        ({"itemCount": True}, "itemCount is wrong"),
        ({"itemCount": -9}, "itemCount is wrong"),
        ({"itemCount": 9.0}, "itemCount is wrong"),
        ({"itemCount": "9"}, "itemCount is wrong"),
        ({"itemCount": 10}, "the data files have 9 items; manifest-summary.json says 10"),
        ({"billedSizeBytes": "much"}, "billedSizeBytes is wrong"),
    ],
)
def test_a_wrong_field_of_the_summary_is_named(
    made: MadeExport, fields: dict[str, Any], words: str
) -> None:
    made.set_summary(**fields)
    with pytest.raises(CheckFailed, match=re.escape(words)):
        made.open()


def test_the_summary_of_another_export_is_refused(made: MadeExport) -> None:
    made.set_summary(exportArn=f"{TABLE_ARN}/export/01790000000001-0a1b2c3d")
    with pytest.raises(CheckFailed, match="belongs to another export"):
        made.open()


def test_the_summary_of_another_files_manifest_is_refused(made: MadeExport) -> None:
    made.set_summary(manifestFilesS3Key="AWSDynamoDB/01790000000001-0a1b2c3d/manifest-files.json")
    with pytest.raises(CheckFailed, match="manifestFilesS3Key is AWSDynamoDB/01790000000001"):
        made.open()


def test_a_summary_that_is_no_object_is_refused(made: MadeExport) -> None:
    made.sign("manifest-summary", b"[1]")
    with pytest.raises(CheckFailed, match=r"manifest-summary\.json is not a JSON object"):
        made.open()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "line 2 is blank; expected a data file"),
        (b"  ", "line 2 is blank; expected a data file"),
        (b'{"itemCount":1', "line 2 is not JSON"),
        (b"\xff\xfe", "line 2 is not JSON"),
        (b"[" * 2000, "line 2 is not JSON"),
        (b"7", "line 2 is not a JSON object"),
        (b"{}", "line 2: dataFileS3Key is missing; expected a non-empty string"),
    ],
)
def test_a_broken_line_of_the_files_manifest_is_named(
    made: MadeExport, line: bytes, words: str
) -> None:
    first, rest = made.path("manifest-files.json").read_bytes().split(b"\n", 1)
    made.sign("manifest-files", first + b"\n" + line + b"\n" + rest)
    with pytest.raises(CheckFailed, match=re.escape(f"manifest-files.json {words}")):
        made.open()


@pytest.mark.parametrize(
    "key",
    [
        "AWSDynamoDB/01790000000001-0a1b2c3d/data/x.json.gz",
        "AWSDynamoDB/data/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/deeper/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/",
        f"AWSDynamoDB/{EXPORT_ID}/data/..",
        f"AWSDynamoDB/{EXPORT_ID}/data/.",
        f"AWSDynamoDB/{EXPORT_ID}/data/../../x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/../../{EXPORT_ID}/data/x.json.gz",
        f"../AWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"./AWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"/AWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"a//AWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"notAWSDynamoDB/{EXPORT_ID}/data/x.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/x\n.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data/x\0.json.gz",
        f"AWSDynamoDB/{EXPORT_ID}/data\\x.json.gz",
        "/etc/passwd",
        "x.json.gz",
    ],
)
def test_a_data_file_outside_of_the_export_is_refused(made: MadeExport, key: str) -> None:
    made.set_entry(1, dataFileS3Key=key)
    wanted = f"line 2: the data file is {key}; expected one in AWSDynamoDB/{EXPORT_ID}/data"
    with pytest.raises(CheckFailed, match=re.escape(wanted)):
        made.open()


@pytest.mark.parametrize("digest", ["", "abc", "FjvgqIxwymKf1RbbqtrZ", "d41d8cd98f00b204", "é" * 8])
def test_a_digest_that_is_no_md5_is_refused(made: MadeExport, digest: str) -> None:
    made.set_entry(0, md5Checksum=digest)
    with pytest.raises(CheckFailed, match="line 1: md5Checksum is"):
        made.open()


@pytest.mark.parametrize("prefix", ["", "other/"])
def test_a_data_file_named_twice_is_refused(made: MadeExport, prefix: str) -> None:
    """Under two prefixes it would still be one file on this machine."""
    entries = made.entries()
    name = entries[0]["dataFileS3Key"].rpartition("/")[2]
    again = {**entries[0], "dataFileS3Key": f"{prefix}AWSDynamoDB/{EXPORT_ID}/data/{name}"}
    made.set_entries([*entries, again])
    made.set_summary(itemCount=9 + entries[0]["itemCount"])
    with pytest.raises(CheckFailed, match=f"names the data file {name} twice"):
        made.open()


def test_nothing_is_parsed_before_its_digest_fits() -> None:
    with pytest.raises(CheckFailed, match="MD5 is"):
        parse_summary(EXPORT_ID, b"{", b"no")
