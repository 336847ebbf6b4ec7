"""Where exports lie, and which of them are finished."""

import re
import shutil
from pathlib import Path

import pytest

from retable.runner.export.location import (
    LocalFolder,
    Location,
    S3Prefix,
    finished_exports,
    open_export,
    parse_location,
)
from retable.runner.failure import CheckFailed, Refused, Stopped
from support.exports import EXPORT_ID, LocalObjects, make_export

OLDER, NEWER = "01780000000000-ffffffff", "01800000000000-00000000"
LATER_AGE = "010000000000000-00000000"
"""The start of an export in the year 2286 has one digit more."""


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("s3://acme-exports/orders/", S3Prefix("acme-exports", "orders")),
        ("s3://acme-exports/a/b", S3Prefix("acme-exports", "a/b")),
        ("s3://acme-exports", S3Prefix("acme-exports", "")),
        ("s3://acme-exports/", S3Prefix("acme-exports", "")),
        ("exports", LocalFolder(Path("/specs/exports"))),
        ("../exports/", LocalFolder(Path("/exports"))),
        ("/var/exports", LocalFolder(Path("/var/exports"))),
    ],
)
def test_a_location_is_a_prefix_in_s3_or_a_folder_beside_the_spec(
    text: str, location: Location
) -> None:
    assert parse_location(text, Path("/specs")) == location


@pytest.mark.parametrize("text", ["s3://", "s3:///orders", "s3://b/a?versionId=1", "s3://b/a#b"])
def test_an_s3_location_without_a_bucket_and_a_plain_prefix_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="is not a bucket and a prefix"):
        parse_location(text, Path("/specs"))


def test_finished_exports_are_listed_newest_first(tmp_path: Path) -> None:
    for export_id in (EXPORT_ID, NEWER, LATER_AGE, OLDER):
        make_export(tmp_path, export_id=export_id)
    found = finished_exports(LocalFolder(tmp_path), None)
    assert found == (LATER_AGE, NEWER, EXPORT_ID, OLDER)


def test_an_unfinished_export_and_other_folders_are_not_listed(tmp_path: Path) -> None:
    make_export(tmp_path)
    make_export(tmp_path, export_id=NEWER).path("manifest-summary.md5").unlink()
    for name in ("data", "0179-0a1b2c3d", f"{EXPORT_ID}.bak", "\uff101790000000001-0a1b2c3d"):
        shutil.copytree(tmp_path / "AWSDynamoDB" / EXPORT_ID, tmp_path / "AWSDynamoDB" / name)
    assert finished_exports(LocalFolder(tmp_path), None) == (EXPORT_ID,)


@pytest.mark.parametrize("prefix", ["", "orders", "rebuild/of/orders"])
def test_a_local_folder_may_hold_the_export_below_a_prefix(tmp_path: Path, prefix: str) -> None:
    made = make_export(tmp_path, prefix=prefix)
    assert finished_exports(made.location, None) == (EXPORT_ID,)
    assert made.open().item_count == 9
    assert sum(file.item_count for file in made.check()) == 9


def test_a_copied_export_is_read_where_it_lies_now(tmp_path: Path) -> None:
    made = make_export(tmp_path / "before", prefix="rebuild/orders")
    copy = tmp_path / "after"
    shutil.copytree(made.folder, copy / "AWSDynamoDB" / EXPORT_ID)
    shutil.rmtree(made.root)
    export = open_export(LocalFolder(copy), EXPORT_ID, None)
    assert export.files[0].key.startswith("rebuild/orders/AWSDynamoDB/")


def test_an_export_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    for prefix in ("a", "b"):
        make_export(tmp_path, prefix=prefix)
    with pytest.raises(Refused, match=rf"{EXPORT_ID} exists twice: .*/a/.* and .*/b/"):
        open_export(LocalFolder(tmp_path), EXPORT_ID, None)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    gone = LocalFolder(tmp_path / "gone")
    wanted = re.escape(f"the export folder {tmp_path / 'gone'} does not exist")
    with pytest.raises(Refused, match=wanted):
        finished_exports(gone, None)
    with pytest.raises(Refused, match=wanted):
        open_export(gone, EXPORT_ID, None)


def test_an_export_that_is_not_there_is_refused_by_id(tmp_path: Path) -> None:
    make_export(tmp_path)
    with pytest.raises(Refused, match=f"there is no export {NEWER} in"):
        open_export(LocalFolder(tmp_path), NEWER, None)


@pytest.mark.parametrize("export_id", ["", "..", "../x", "0179-0a1b2c3d", f"{EXPORT_ID}/x", "*"])
def test_an_id_that_is_none_is_refused(tmp_path: Path, export_id: str) -> None:
    make_export(tmp_path)
    with pytest.raises(Refused, match="is not an export id"):
        open_export(LocalFolder(tmp_path), export_id, None)


def test_a_manifest_that_cannot_be_read_stops_the_run(tmp_path: Path) -> None:
    made = make_export(tmp_path)
    made.path("manifest-files.json").unlink()
    made.path("manifest-files.json").mkdir()
    with pytest.raises(Stopped, match=r"manifest-files\.json cannot be read"):
        made.open()


@pytest.mark.parametrize("prefix", ["", "rebuild/orders"])
def test_an_export_in_s3_is_found_and_opened(tmp_path: Path, prefix: str) -> None:
    make_export(tmp_path / "acme-exports", prefix=prefix)
    objects = LocalObjects(tmp_path)
    location = S3Prefix("acme-exports", prefix)
    assert finished_exports(location, objects) == (EXPORT_ID,)
    assert open_export(location, EXPORT_ID, objects).item_count == 9


def test_exports_of_another_prefix_in_s3_are_not_listed(tmp_path: Path) -> None:
    make_export(tmp_path / "acme-exports", prefix="orders-2")
    make_export(tmp_path / "acme-exports", prefix="orders/old", export_id=OLDER)
    assert finished_exports(S3Prefix("acme-exports", "orders"), LocalObjects(tmp_path)) == ()


def test_an_export_that_is_not_in_s3_is_refused(tmp_path: Path) -> None:
    make_export(tmp_path / "acme-exports")
    with pytest.raises(Refused, match=f"no export at s3://acme-exports/AWSDynamoDB/{NEWER}"):
        open_export(S3Prefix("acme-exports", ""), NEWER, LocalObjects(tmp_path))


def test_an_unfinished_export_in_s3_is_a_failed_check(tmp_path: Path) -> None:
    make_export(tmp_path / "acme-exports").path("manifest-summary.md5").unlink()
    with pytest.raises(CheckFailed, match=r"not finished: s3://acme-exports/.*summary\.md5"):
        open_export(S3Prefix("acme-exports", ""), EXPORT_ID, LocalObjects(tmp_path))


def test_s3_without_a_way_to_it_is_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError):
        finished_exports(S3Prefix("acme-exports", ""), None)
