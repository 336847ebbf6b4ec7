"""Proving the data files of an export: every fault is found, and named."""

import errno
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import read_lines
from retable.runner.export.location import S3Prefix, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.spool import Spool
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.progress import NoProgress
from support.exports import (
    EMPTY_GZIP,
    EXPORT_ID,
    LocalObjects,
    MadeExport,
    make_export,
    md5_text,
    packed,
    with_flipped_bit,
)

LINES = [b'{"Item":{"id":{"N":"%d"}}}' % number for number in range(5)]


@pytest.fixture
def made(tmp_path: Path) -> MadeExport:
    return make_export(tmp_path)


def test_a_whole_export_is_checked_in_sorted_order(made: MadeExport) -> None:
    checked = made.check()
    assert [file.key for file in checked] == sorted(file.key for file in made.open().files)
    assert sum(file.item_count for file in checked) == 9
    assert all(file.path.parent == made.folder / "data" for file in checked)
    assert [len(list(read_lines(file))) for file in checked] == [f.item_count for f in checked]


def test_empty_data_files_of_20_bytes_are_whole(tmp_path: Path) -> None:
    made = make_export(tmp_path, 0)
    assert {file.path.read_bytes() for file in made.check()} == {EMPTY_GZIP}


def test_extra_files_in_the_data_folder_are_none_of_the_export(made: MadeExport) -> None:
    before = made.check()
    (made.folder / "data" / "zzz.json.gz").write_bytes(packed(LINES))
    (made.folder / "data" / "notes.txt").write_text("mine")
    assert made.check() == before


@pytest.mark.parametrize("members", [2, 5, 30])
def test_concatenated_gzip_members_are_one_content(made: MadeExport, members: int) -> None:
    made.set_data(packed(LINES, members), len(LINES))
    assert _lines(made) == LINES


def test_empty_members_between_others_are_nothing(made: MadeExport) -> None:
    body = EMPTY_GZIP + packed(LINES[:2]) + EMPTY_GZIP + packed(LINES[2:]) + EMPTY_GZIP
    made.set_data(body, len(LINES))
    assert _lines(made) == LINES


def test_a_last_line_without_a_newline_counts(made: MadeExport) -> None:
    made.set_data(packed(LINES, end=b""), len(LINES))
    assert _lines(made) == LINES


def test_a_line_of_three_megabytes_is_read(made: MadeExport) -> None:
    long = b'{"Item":{"id":{"S":"' + b"\\u0001" * 500_000 + b'"}}}'
    lines = [LINES[0], long, LINES[1]]
    made.set_data(packed(lines), 3)
    assert _lines(made) == lines


@pytest.mark.parametrize("length", [8_000_001, 30_000_000])
def test_a_line_that_no_item_can_make_is_refused(made: MadeExport, length: int) -> None:
    made.set_data(packed([LINES[0], b"x" * length]), 2)
    with pytest.raises(CheckFailed, match="line 2 has more than 8,000,000 bytes"):
        made.check()


def test_a_line_of_the_greatest_length_is_read(made: MadeExport) -> None:
    lines = [LINES[0], b"x" * 8_000_000, LINES[1]]
    made.set_data(packed(lines), 3)
    assert _lines(made) == lines


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (b"\n%s\n%s\n", 1),
        (b"%s\n\n%s\n", 2),
        (b"%s\n%s\n\n", 3),
        (b"%s\n\n\n%s\n", 2),
    ],
)
def test_a_blank_line_is_refused_by_its_number(
    made: MadeExport, content: bytes, number: int
) -> None:
    body = gzip.compress(content % (LINES[0], LINES[1]), mtime=0)
    made.set_data(body, 3)
    with pytest.raises(CheckFailed, match=f"line {number} is blank; expected an item"):
        made.check()


def test_a_blank_line_between_two_pieces_is_found(made: MadeExport) -> None:
    """Each member is a piece of its own."""
    pieces = (LINES[0] + b"\n", b"\n" + LINES[1] + b"\n")
    made.set_data(b"".join(gzip.compress(piece, mtime=0) for piece in pieces), 3)
    with pytest.raises(CheckFailed, match="line 2 is blank"):
        made.check()


def test_a_flipped_bit_is_refused_with_both_digests(made: MadeExport) -> None:
    body = made.data().read_bytes()
    flipped = with_flipped_bit(body, len(body) // 2)
    made.data().write_bytes(flipped)
    wanted = f"MD5 is {md5_text(flipped)}; the manifest says {md5_text(body)}"
    with pytest.raises(CheckFailed, match=f"data file {_key(made)}: {re.escape(wanted)}"):
        made.check()


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body[:-1],
        lambda body: body[: len(body) // 2],
        lambda _: b"",
        lambda body: body + b"\0",
        lambda body: body + body,
        lambda _: b"not gzip at all",
    ],
    ids=["one byte less", "half", "nothing", "one byte more", "twice", "another thing"],
)
def test_an_altered_data_file_is_refused_by_its_digest(
    made: MadeExport, change: Callable[[bytes], bytes]
) -> None:
    """The digest is told of, not what the altered bytes unpack to."""
    made.data().write_bytes(change(made.data().read_bytes()))
    with pytest.raises(CheckFailed, match=r"MD5 is \S+; the manifest says"):
        made.check()


def test_the_digest_told_is_that_of_all_bytes_even_if_they_do_not_unpack(made: MadeExport) -> None:
    """The file is larger than the pieces it is read in, and broken from its first byte."""
    body = b"no gzip" * 100_000
    made.data().write_bytes(body)
    with pytest.raises(CheckFailed, match=re.escape(f"MD5 is {md5_text(body)}; the manifest")):
        made.check()


def test_a_wrong_digest_in_the_manifest_is_refused(made: MadeExport) -> None:
    made.set_entry(0, md5Checksum=md5_text(b"another"))
    with pytest.raises(CheckFailed, match=r"MD5 is \S+; the manifest says"):
        made.check()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (packed(LINES)[:-1], "it is truncated"),
        (packed(LINES)[:-9], "it is truncated"),
        (packed(LINES)[:15], "it is truncated"),
        (packed(LINES)[:3], "it is truncated"),
        (packed(LINES) + packed(LINES)[:-1], "it is truncated"),
        (b"", "the file is empty"),
        (b"no gzip", "incorrect header check"),
        (packed(LINES) + b"rubbish", "incorrect header check"),
        (with_flipped_bit(packed(LINES), -6), "incorrect data check"),
        (with_flipped_bit(packed(LINES), -2), "incorrect length check"),
    ],
)
def test_damage_that_the_manifest_does_not_know_of_is_refused(
    made: MadeExport, body: bytes, words: str
) -> None:
    """Its digest fits, so it was damaged before it was signed; the CRC is what is left."""
    made.set_data(body, len(LINES))
    wanted = f"data file {_key(made)}: expected a complete gzip file, found: {words}"
    with pytest.raises(CheckFailed, match=re.escape(wanted)):
        made.check()


@pytest.mark.parametrize("claimed", [0, 4, 6, 1_000])
def test_another_number_of_lines_than_the_manifest_says_is_refused(
    made: MadeExport, claimed: int
) -> None:
    made.set_data(packed(LINES), claimed)
    wanted = f"data file {_key(made)}: it has 5 lines; the manifest says {claimed:,}"
    with pytest.raises(CheckFailed, match=wanted):
        made.check()


def test_a_missing_data_file_is_refused_by_name(made: MadeExport) -> None:
    made.data().unlink()
    with pytest.raises(CheckFailed, match=f"data file {_key(made)} is missing: there is no file"):
        made.check()


def test_a_data_file_that_is_a_folder_is_missing(made: MadeExport) -> None:
    made.data().unlink()
    made.data().mkdir()
    with pytest.raises(CheckFailed, match="is missing"):
        made.check()


def test_a_data_file_of_zeros_unpacks_in_bounded_pieces(made: MadeExport) -> None:
    """A hundred megabytes from a hundred kilobytes: one endless line is not held in memory."""
    made.set_data(gzip.compress(bytes(100_000_000), mtime=0), 1)
    with pytest.raises(CheckFailed, match="line 1 has more than"):
        made.check()


def test_progress_reaches_the_total(made: MadeExport) -> None:
    told: list[tuple[int, int | None, str]] = []

    class Watcher(NoProgress):
        def advance(self, done: int, total: int | None, unit: str) -> None:
            told.append((done, total, unit))

    check_export(made.open(), made.location, None, Watcher())
    assert told[-1] == (9, 9, "items")
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)


class TestFromS3:
    """Files in S3 are fetched first, once, and under a temporary name."""

    @pytest.fixture
    def bucket(self, tmp_path: Path) -> MadeExport:
        return make_export(tmp_path / "acme-exports", prefix="orders")

    @pytest.fixture
    def objects(self, tmp_path: Path) -> LocalObjects:
        return LocalObjects(tmp_path)

    def test_every_data_file_is_fetched_into_the_spool(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        checked = _fetch(objects, tmp_path / "spool")
        assert [file.path.parent for file in checked] == [tmp_path / "spool" / EXPORT_ID] * 4
        assert len(objects.fetched) == 4
        assert [
            path.read_bytes() for path in sorted((tmp_path / "spool" / EXPORT_ID).iterdir())
        ] == [path.read_bytes() for path in sorted((bucket.folder / "data").iterdir())]

    def test_a_file_that_lies_there_whole_is_not_fetched_again(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        first = _fetch(objects, tmp_path / "spool")
        objects.fetched.clear()
        first[1].path.write_bytes(b"torn")
        first[2].path.unlink()
        assert _fetch(objects, tmp_path / "spool") == first
        names = {key.rpartition("/")[2] for key in objects.fetched}
        assert names == {first[1].path.name, first[2].path.name}
        assert bucket.id == EXPORT_ID

    def test_an_altered_object_is_refused(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        export = open_export(S3Prefix("acme-exports", "orders"), EXPORT_ID, objects)
        bucket.data().write_bytes(packed(LINES))
        with pytest.raises(CheckFailed, match=f"data file orders/{_key(bucket)}: MD5 is"):
            check_export(
                export,
                S3Prefix("acme-exports", "orders"),
                Spool(tmp_path / "spool", objects),
                NoProgress(),
            )

    def test_a_missing_object_is_refused(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        bucket.data().unlink()
        with pytest.raises(CheckFailed, match="does not exist"):
            _fetch(objects, tmp_path / "spool")

    def test_a_full_disk_stops_the_run_and_says_how_much_is_needed(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        spool = tmp_path / "spool" / EXPORT_ID
        spool.mkdir(parents=True)
        files = open_export(S3Prefix("acme-exports", "orders"), EXPORT_ID, objects).files
        last = [file for file in files if file.item_count][-1]
        (spool / f"{last.name}.part").symlink_to("/dev/full")
        wanted = (
            rf"{re.escape(str(spool / last.name))} cannot be written: No space left on device "
            r"\([\d,]+ bytes are free\)"
        )
        with pytest.raises(Stopped, match=wanted) as stopped:
            _fetch(objects, tmp_path / "spool")
        assert isinstance(stopped.value.__cause__, OSError)
        assert stopped.value.__cause__.errno == errno.ENOSPC
        assert not (spool / last.name).exists()
        assert bucket.id == EXPORT_ID

    def test_an_export_far_larger_than_the_disk_is_not_begun(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        bucket.set_summary(billedSizeBytes=10**18)
        location = S3Prefix("acme-exports", "orders")
        export = open_export(location, EXPORT_ID, objects)
        spool = Spool(tmp_path / "spool", objects, most_bytes=10**18)
        with pytest.raises(Stopped, match=r"bytes free; fetching export .* needs at least"):
            check_export(export, location, spool, NoProgress())
        assert objects.fetched == []

    def test_a_spool_that_cannot_be_made_stops_the_run(
        self, bucket: MadeExport, objects: LocalObjects, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(Stopped, match="cannot be written: Not a directory"):
            _fetch(objects, tmp_path / "file" / "spool")
        assert bucket.id == EXPORT_ID


def _fetch(objects: LocalObjects, spool: Path) -> tuple[CheckedFile, ...]:
    location = S3Prefix("acme-exports", "orders")
    export = open_export(location, EXPORT_ID, objects)
    return check_export(export, location, Spool(spool, objects), NoProgress())


def _lines(made: MadeExport) -> list[bytes]:
    """Return the lines of the data file that a test has put in place."""
    name = made.data().name
    (file,) = [file for file in made.check() if file.path.name == name]
    return [line for _, line in read_lines(file)]


def _key(made: MadeExport) -> str:
    return f"AWSDynamoDB/{EXPORT_ID}/data/{made.data().name}"
