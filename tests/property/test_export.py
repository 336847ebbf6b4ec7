"""Laws of reading exports: what is altered is refused, what is whole is read as it was written."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.count import count_lines
from retable.runner.export.lines import split_lines
from retable.runner.export.stored_file import plain_chunks
from retable.runner.failure import CheckFailed, Refused
from support.exports import EXPORT_ID, MadeExport, make_export, packed

LINES = st.lists(st.binary(min_size=1).filter(lambda line: b"\n" not in line), max_size=30)
FILES = (
    "manifest-summary.json",
    "manifest-summary.md5",
    "manifest-files.json",
    "manifest-files.md5",
    "data",
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> MadeExport:
    return make_export(tmp_path_factory.mktemp("whole"), 40, prefix="orders", files=2)


@pytest.fixture(scope="module")
def copies(whole: MadeExport) -> Iterator["Copies"]:
    with tempfile.TemporaryDirectory() as folder:
        yield Copies(whole, Path(folder))


class Copies:
    """Gives a fresh copy of an export to each example."""

    def __init__(self, whole: MadeExport, folder: Path) -> None:
        self.whole = whole
        self.folder = folder
        self.made = 0

    def fresh(self) -> MadeExport:
        self.made += 1
        root = self.folder / str(self.made)
        shutil.copytree(self.whole.root, root)
        return MadeExport(root, self.whole.prefix, self.whole.id)


@given(name=st.sampled_from(FILES), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_no_turned_bit_of_an_export_goes_unseen(
    copies: Copies, name: str, at: float, bit: int
) -> None:
    made = copies.fresh()
    path = made.data() if name == "data" else made.path(name)
    body = bytearray(path.read_bytes())
    body[int(at * len(body))] ^= 1 << bit
    path.write_bytes(body)
    _require_refused(made)


@given(name=st.sampled_from(FILES), at=st.floats(0, 1, exclude_max=True))
def test_no_cut_of_an_export_goes_unseen(copies: Copies, name: str, at: float) -> None:
    made = copies.fresh()
    path = made.data() if name == "data" else made.path(name)
    body = path.read_bytes()
    path.write_bytes(body[: int(at * len(body))])
    _require_refused(made)


@given(
    field=st.sampled_from(["itemCount", "md5Checksum", "etag", "dataFileS3Key"]),
    value=JSON
    | st.sampled_from(
        ["..", "/etc/passwd", f"AWSDynamoDB/{EXPORT_ID}/data/..", f"AWSDynamoDB/{EXPORT_ID}/data/x"]
    ),
)
def test_a_files_manifest_is_read_or_refused_and_never_leads_out_of_its_folder(
    copies: Copies, field: str, value: Any
) -> None:
    made = copies.fresh()
    try:
        made.set_entry(0, **{field: value})
        export = made.open()
    except (CheckFailed, UnicodeEncodeError, TypeError):  # the last two: no JSON can say it
        return
    assert all(
        (made.folder / "data" / file.name).resolve().parent == made.folder / "data"
        for file in export.files
    )


@given(
    field=st.sampled_from(
        [
            "version",
            "exportArn",
            "tableArn",
            "tableId",
            "exportTime",
            "itemCount",
            "outputFormat",
            "exportType",
            "manifestFilesS3Key",
            "billedSizeBytes",
        ]
    ),
    value=JSON,
)
def test_a_summary_is_read_or_refused(copies: Copies, field: str, value: Any) -> None:
    made = copies.fresh()
    try:
        made.set_summary(**{field: value})
        made.open()
    except (CheckFailed, Refused, UnicodeEncodeError, TypeError):  # the last two: no JSON has it
        return


@given(lines=LINES, members=st.integers(1, 9), ended=st.booleans(), size=st.integers(1, 64))
def test_lines_are_read_as_written_however_they_are_packed_and_cut(
    lines: list[bytes], members: int, *, ended: bool, size: int
) -> None:
    end = b"\n" if ended and lines else b""
    body = packed(lines, members, end=end)
    stored = [body[at : at + size] for at in range(0, len(body), size)]
    assert b"".join(plain_chunks(stored, "x")) == b"\n".join(lines) + end
    assert list(split_lines(plain_chunks(stored, "x"), "x")) == lines
    assert count_lines(plain_chunks(stored, "x"), "x", lambda _: None) == len(lines)


@given(lines=LINES, cuts=st.lists(st.integers(1, 40), min_size=1))
def test_counting_and_splitting_agree_on_any_pieces(lines: list[bytes], cuts: list[int]) -> None:
    content = b"".join(line + b"\n" for line in lines)
    pieces: list[bytes] = []
    while content:
        size = cuts[len(pieces) % len(cuts)]
        pieces.append(content[:size])
        content = content[size:]
    assert list(split_lines(pieces, "x")) == lines
    assert count_lines(pieces, "x", lambda _: None) == len(lines)


@given(before=LINES, after=LINES, cut=st.integers(1, 40))
def test_a_blank_line_is_found_in_any_pieces(
    before: list[bytes], after: list[bytes], cut: int
) -> None:
    content = b"".join(line + b"\n" for line in [*before, b"", *after])
    pieces = [content[at : at + cut] for at in range(0, len(content), cut)]
    with pytest.raises(CheckFailed, match=f"line {len(before) + 1} is blank"):
        count_lines(pieces, "x", lambda _: None)


def _require_refused(made: MadeExport) -> None:
    """The export is refused, by a failure of ours."""
    with pytest.raises((CheckFailed, Refused)):
        made.check()
