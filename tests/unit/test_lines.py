"""The lines of a checked data file, which may have been replaced since."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import read_lines, split_lines
from retable.runner.failure import CheckFailed
from support.exports import make_export, md5_text, packed, some_items

LINES = [b"a", b"bb", b"ccc"]


@pytest.fixture
def file(tmp_path: Path) -> CheckedFile:
    path = tmp_path / "abc.json.gz"
    path.write_bytes(packed(LINES))
    digest = md5_text(path.read_bytes())
    return CheckedFile(key="data/abc.json.gz", path=path, item_count=3, md5=digest)


def test_lines_are_numbered_from_one_and_have_no_newline(file: CheckedFile) -> None:
    assert list(read_lines(file)) == [(1, b"a"), (2, b"bb"), (3, b"ccc")]


def test_lines_of_a_large_file_are_those_that_were_written(tmp_path: Path) -> None:
    """Enough of them that none of the pieces it is read in is the whole of it."""
    items = list(some_items(60_000))
    (checked,) = make_export(tmp_path, items, files=1).check()
    wanted = [b'{"Item":' + item + b"}" for item in items]
    found = list(read_lines(checked))
    assert [line for _, line in found] == wanted
    assert [number for number, _ in found] == list(range(1, 60_001))


def test_carriage_returns_belong_to_the_line(file: CheckedFile) -> None:
    file.path.write_bytes(packed([b"a\r", b"\x0b\x0c\x1c", "\u2028\x85".encode()]))
    now = replace(file, md5=md5_text(file.path.read_bytes()))
    assert [line for _, line in read_lines(now)] == [
        b"a\r",
        b"\x0b\x0c\x1c",
        b"\xe2\x80\xa8\xc2\x85",
    ]


def test_a_file_that_was_replaced_since_yields_no_line(file: CheckedFile) -> None:
    file.path.write_bytes(packed([b"x", b"y", b"z"]))
    lines = read_lines(file)
    wanted = f"data/abc.json.gz: MD5 is {md5_text(file.path.read_bytes())} now; it was checked with"
    with pytest.raises(CheckFailed, match=re.escape(f"{wanted} {file.md5}")):
        next(lines)


def test_a_file_that_is_gone_yields_no_line(file: CheckedFile) -> None:
    file.path.unlink()
    with pytest.raises(CheckFailed, match=r"data file data/abc\.json\.gz is missing"):
        next(read_lines(file))


def test_a_file_that_takes_the_name_meanwhile_is_not_read(file: CheckedFile) -> None:
    lines = read_lines(file)
    assert next(lines) == (1, b"a")
    other = file.path.with_name("other")
    other.write_bytes(packed([b"x", b"y", b"z"]))
    os.replace(other, file.path)  # noqa: PTH105 -- as another program does it
    assert list(lines) == [(2, b"bb"), (3, b"ccc")]


@pytest.mark.parametrize("count", [2, 4])
def test_another_number_of_lines_is_a_failed_check(file: CheckedFile, count: int) -> None:
    with pytest.raises(CheckFailed, match=f"it has 3 lines; the manifest says {count}"):
        list(read_lines(replace(file, item_count=count)))


def test_an_endless_line_is_refused_before_it_fills_the_memory() -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while True:
            taken += 1_000_000
            yield b"x" * 1_000_000

    with pytest.raises(CheckFailed, match="line 1 has more than 8,000,000 bytes"):
        list(split_lines(endless(), "abc"))
    assert taken <= 10_000_000
