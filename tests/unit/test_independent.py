"""The counter that shares no code with the mapping: it must see every line byte for byte."""

import gzip
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.manifest import Export
from retable.runner.failure import CheckFailed
from retable.runner.ledger.independent import agree, count_export
from retable.runner.ledger.questions import Ledger
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected
from support.ledgers import kept, result, write_data_file, write_ledger

PLAIN = b'{"Item":{"id":{"S":"1"}}}'
REJECTED = Rejected(Reason.MALFORMED_LINE, "")
ODD_LINES = [
    PLAIN,
    '{"Item": {"ü" : {"S": "\U0001f600 \u2028 \\u00e9\\n\\"" } } }'.encode(),
    b"  leading and trailing  ",
    b'"quoted, "line"; with | signs, \' and \t tabs',
    b"# no comment",
    b"NULL",
    b"\x00\x01\x1f\x1e",
    b"\\",
    b"\x1d",
    b'{"Item":{"a":{"S":"' + b"\\u0001" * 409_600 + b'"}}}',
]
UNREADABLE = [b"", b"\xff\xfe", b'{"Item":{"a":{"S":"\xc3"}}}', b"x\x1f\x1e\x1f\x1ey"]


def export_of(count: int) -> Export:
    return Export(
        id="01790000000000-0a1b2c3d",
        arn="arn:aws:dynamodb:eu-west-1:123456789012:table/t/export/01790000000000-0a1b2c3d",
        table_arn="arn:aws:dynamodb:eu-west-1:123456789012:table/t",
        table_id="12345678-1234-1234-1234-123456789012",
        export_time=datetime(2026, 1, 1, tzinfo=UTC),
        item_count=count,
        output_format="DYNAMODB_JSON",
        files=(),
    )


def sums(lines: list[bytes]) -> tuple[int, int]:
    """Return the sums of both halves of the lines' MD5, lower and upper."""
    digests = [hashlib.md5(line, usedforsecurity=False).digest() for line in lines]
    lower, upper = (
        sum(int.from_bytes(digest[part : part + 8], "little") for digest in digests)
        for part in (8, 0)
    )
    return lower, upper


@pytest.mark.parametrize("line", ODD_LINES, ids=range(len(ODD_LINES)))
def test_a_line_is_seen_byte_for_byte(tmp_path: Path, line: bytes) -> None:
    lines = [PLAIN, line, line, PLAIN]
    found = count_export([write_data_file(tmp_path / "a.json.gz", lines)])
    assert (found.count, found.md5_lower_sum, found.md5_upper_sum) == (4, *sums(lines))


def test_files_are_counted_together(tmp_path: Path) -> None:
    names = ("it's.json.gz", "[a].json.gz", "*.json.gz", "empty.json.gz")
    contents: list[list[bytes]] = [[b"1"], [b"2", b"3"], [b"4"], []]
    files = [
        write_data_file(tmp_path / name, lines) for name, lines in zip(names, contents, strict=True)
    ]
    found = count_export(files)
    assert found.count == 4
    assert found.md5_lower_sum == sums([b"1", b"2", b"3", b"4"])[0]


def test_no_file_has_no_line() -> None:
    assert count_export([]).count == 0


def test_a_file_of_several_gzip_members_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json.gz"
    path.write_bytes(b"".join(gzip.compress(line + b"\n") for line in ODD_LINES))
    found = count_export([CheckedFile(key="a", path=path, item_count=len(ODD_LINES), md5="")])
    assert (found.count, found.md5_lower_sum) == (len(ODD_LINES), sums(ODD_LINES)[0])


@pytest.mark.parametrize("line", UNREADABLE, ids=["blank", "no utf-8", "half", "separator"])
def test_a_line_that_is_no_text_does_not_stop_the_count(tmp_path: Path, line: bytes) -> None:
    lines = [PLAIN, line, PLAIN]
    files = [write_data_file(tmp_path / "a.json.gz", lines)]
    independent = count_export(files)
    assert independent.count == 2
    folder = write_ledger(tmp_path / "ledger", [kept("a"), REJECTED, Dropped()], lines=lines)
    agree(independent, Ledger(folder), export_of(3))


def test_carriage_returns_are_said_to_be_in_the_way(tmp_path: Path) -> None:
    files = [write_data_file(tmp_path / "a.json.gz", [PLAIN + b"\r", PLAIN])]
    with pytest.raises(CheckFailed, match="newline"):
        count_export(files)


def test_i3_manifest_files_and_ledger_agree(tmp_path: Path) -> None:
    lines = [b"1", b"2", b"3", b"4"]
    outcomes: list[Outcome] = [Kept((result("a"), result("b"))), Dropped(), REJECTED, Kept(())]
    folder = write_ledger(tmp_path / "ledger", outcomes, lines=lines)
    independent = count_export([write_data_file(tmp_path / "a.json.gz", lines)])
    agree(independent, Ledger(folder), export_of(4))


@pytest.mark.parametrize(("in_manifest", "in_file", "in_ledger"), [(3, 2, 2), (2, 3, 2), (2, 2, 3)])
def test_i3_each_of_the_three_counts_can_disagree(
    tmp_path: Path, in_manifest: int, in_file: int, in_ledger: int
) -> None:
    folder = write_ledger(tmp_path / "ledger", [kept("a")] * in_ledger, lines=[PLAIN] * in_ledger)
    independent = count_export([write_data_file(tmp_path / "a.json.gz", [PLAIN] * in_file)])
    with pytest.raises(CheckFailed) as failure:
        agree(independent, Ledger(folder), export_of(in_manifest))
    assert failure.value.message == (
        f"the export's manifest has {in_manifest} items, DuckDB counts {in_file} lines, "
        f"the ledger has {in_ledger}"
    )


def test_i3_another_line_in_place_of_one_that_was_mapped_is_found(tmp_path: Path) -> None:
    folder = write_ledger(tmp_path / "ledger", [kept("a"), kept("b")], lines=[b"1", b"2"])
    independent = count_export([write_data_file(tmp_path / "a.json.gz", [b"1", b"3"])])
    with pytest.raises(CheckFailed, match="not all lines that DuckDB reads"):
        agree(independent, Ledger(folder), export_of(2))


@pytest.mark.parametrize("half", ["md5_lower_sum", "md5_upper_sum"])
def test_both_halves_of_the_checksum_count(tmp_path: Path, half: str) -> None:
    folder = write_ledger(tmp_path / "ledger", [kept("a")], lines=[PLAIN])
    right = count_export([write_data_file(tmp_path / "a.json.gz", [PLAIN])])
    agree(right, Ledger(folder), export_of(1))
    wrong = replace(right, **{half: getattr(right, half) + 1})
    with pytest.raises(CheckFailed):
        agree(wrong, Ledger(folder), export_of(1))
