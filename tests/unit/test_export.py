"""Exports are trusted only when checked: each fault is named, with what was expected and found."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.exports import (
    EXPORT_ID,
    checked,
    full_data_file,
    lines_of,
    md5,
    replace_content,
    reseal,
    write_export,
)

from retable.runner.export.lines import read_lines
from retable.runner.export.location import (
    LocalFolder,
    S3Prefix,
    finished_exports,
    open_export,
    parse_location,
)
from retable.runner.failure import CheckFailed, Refused

ITEMS: list[dict[str, Any]] = [{"id": {"S": f"o-{number}"}} for number in range(200)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_export(tmp_path, ITEMS)


def test_a_whole_export_gives_every_item_once(tmp_path: Path, folder: Path) -> None:
    found = [
        json.loads(line)["Item"]["id"]["S"]
        for file in checked(tmp_path)
        for _, line in read_lines(file)
    ]
    assert sorted(found) == sorted(f"o-{number}" for number in range(200))
    assert finished_exports(LocalFolder(tmp_path), None) == (EXPORT_ID,)
    assert folder.is_dir()


def test_an_empty_data_file_counts_no_items(tmp_path: Path, folder: Path) -> None:
    del folder
    assert 0 in [file.item_count for file in checked(tmp_path)]


def test_a_copied_export_is_read_from_where_it_lies(tmp_path: Path, folder: Path) -> None:
    def move(entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            entry["dataFileS3Key"] = "other/prefix/" + entry["dataFileS3Key"]

    reseal(folder, move)
    assert sum(file.item_count for file in checked(tmp_path)) == 200


def test_concatenated_gzip_members_are_one_file(tmp_path: Path, folder: Path) -> None:
    path = full_data_file(folder)
    content = lines_of(path)
    middle = content.index(b"\n") + 1
    stored = gzip.compress(content[:middle]) + gzip.compress(content[middle:])
    replace_content(folder, path, stored)
    assert sum(len(list(read_lines(file))) for file in checked(tmp_path)) == 200


def test_extra_files_in_the_folder_are_not_read(tmp_path: Path, folder: Path) -> None:
    (folder / "data" / "extra.json.gz").write_bytes(gzip.compress(b'{"Item":{}}\n'))
    assert sum(file.item_count for file in checked(tmp_path)) == 200


def cut(folder: Path) -> None:
    path = full_data_file(folder)
    replace_content(folder, path, path.read_bytes()[:-9])


def wrong_crc(folder: Path) -> None:
    path = full_data_file(folder)
    stored = bytearray(path.read_bytes())
    stored[-6] ^= 1
    replace_content(folder, path, bytes(stored))


def flip(folder: Path) -> None:
    path = full_data_file(folder)
    stored = bytearray(path.read_bytes())
    stored[20] ^= 1
    path.write_bytes(bytes(stored))


def remove(folder: Path) -> None:
    full_data_file(folder).unlink()


def one_line_less(folder: Path) -> None:
    path = full_data_file(folder)
    content = lines_of(path)
    replace_content(folder, path, gzip.compress(content[content.index(b"\n") + 1 :]))


def counts_off(folder: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        entries[0]["itemCount"] += 1

    reseal(folder, change)


def outside(folder: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        entries[0]["dataFileS3Key"] = f"AWSDynamoDB/{EXPORT_ID}/data/../../../../etc/passwd"

    reseal(folder, change)


def twice(folder: Path) -> None:
    def change(entries: list[dict[str, Any]]) -> None:
        empty = next(entry for entry in entries if not entry["itemCount"])
        entries.append(empty)

    reseal(folder, change)


def no_json(folder: Path) -> None:
    path = folder / "manifest-files.json"
    path.write_bytes(b"{")


def no_digest(folder: Path) -> None:
    (folder / "manifest-files.md5").unlink()


FAULTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "a truncated data file": (cut, r"data file .*\.json\.gz: the gzip stream is cut short"),
    "a wrong CRC": (wrong_crc, r"data file .*\.json\.gz: incorrect data check"),
    "a flipped byte": (flip, r"data file .*: MD5 is \S+==; the manifest says \S+=="),
    "a missing data file": (remove, r"data file .*\.json\.gz: No such file"),
    "a line too few": (one_line_less, r"it has \d+ lines; the manifest says \d+"),
    "a sum that disagrees": (counts_off, r"data files have 201 items, .* says 200"),
    "a path out of the folder": (outside, r"lies outside of AWSDynamoDB/"),
    "a file named twice": (twice, r"names a data file twice"),
    "an altered manifest": (no_json, r"manifest-files.json: MD5 is"),
    "no digest": (no_digest, r"manifest-files.md5: No such file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_i1_a_damaged_export_is_refused(tmp_path: Path, folder: Path, fault: str) -> None:
    """I1: nothing goes on that was not proved whole."""
    damage, said = FAULTS[fault]
    damage(folder)
    with pytest.raises(CheckFailed, match=said):
        checked(tmp_path)


def test_a_file_replaced_between_check_and_reading_is_noticed(
    tmp_path: Path, folder: Path
) -> None:
    files = checked(tmp_path)
    flip(folder)
    with pytest.raises(CheckFailed, match="was checked with"):
        for file in files:
            list(read_lines(file))


def test_exports_of_other_kinds_are_refused(tmp_path: Path, folder: Path) -> None:
    path = folder / "manifest-summary.json"
    ion = path.read_bytes().replace(b"DYNAMODB_JSON", b"ION")
    path.write_bytes(ion)
    path.with_suffix(".md5").write_bytes(md5(ion))
    with pytest.raises(Refused, match="in the format ION"):
        checked(tmp_path)


@pytest.mark.parametrize("export_id", ["../x", "", "01790000000000-0a1b2c3d/..", "latest"])
def test_an_id_that_is_none_is_refused(tmp_path: Path, export_id: str) -> None:
    with pytest.raises(Refused, match="is no export id"):
        open_export(LocalFolder(tmp_path), export_id, None)


def test_locations_are_s3_or_relative_to_the_spec(tmp_path: Path) -> None:
    assert parse_location("s3://acme/a/b/", tmp_path) == S3Prefix("acme", "a/b")
    assert parse_location("exports", tmp_path) == LocalFolder(tmp_path / "exports")
    with pytest.raises(Refused, match="does not exist"):
        finished_exports(LocalFolder(tmp_path / "nowhere"), None)
