"""Exports made of files that something else wrote: their types, their doubts and their faults."""

import base64
import datetime as dt
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from retable.runner.export.destination import FolderPlace
from retable.runner.export.foreign.convert import Source, convert_files
from retable.runner.export.lines import read_lines
from retable.runner.export.location import LocalFolder, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.write_export import ExportHead
from retable.runner.failure import CheckFailed, Refused
from retable.runner.progress import NoProgress
from retable.schema.spec import Export as DeclaredExport
from support.exports import EXPORT_ID, EXPORT_TIME, TABLE_ARN, TABLE_ID

HEAD = ExportHead(
    table_arn=TABLE_ARN,
    table_id=TABLE_ID,
    bucket="none",
    prefix=None,
    export_id=EXPORT_ID,
    export_time=EXPORT_TIME,
)
EVERYTHING: Mapping[str, Any] = {
    "id": {"S": "o-1"},
    "n": {"N": "12345678901234567890123456789012345678"},
    "part": {"N": "-0.5"},
    "b": {"B": "AAEC/w=="},
    "yes": {"BOOL": True},
    "ss": {"SS": ["a", "b"]},
    "ns": {"NS": ["1", "2.5"]},
    "bs": {"BS": ["AA==", "/w=="]},
    "l": {"L": [{"N": "1.5"}, {"NULL": True}, {"S": "x"}]},
    "m": {"M": {"x": {"S": "y"}}},
}
COLUMNS: Mapping[str, Any] = {
    "id": "S",
    "n": "N",
    "part": "N",
    "b": "B",
    "yes": "BOOL",
    "ss": "SS",
    "ns": "NS",
    "bs": "BS",
    "l": "L",
    "m": "M",
}


def convert(folder: Path, form: str, **said: Any) -> list[dict[str, Any]]:
    """Convert the files in ``folder/in`` and return the items, read like any other export's."""
    declared = DeclaredExport(kind="files", location="in", format=form, **said)  # type: ignore[arg-type]  # as the spec's
    source = Source(
        declared=declared, location=LocalFolder(folder / "in"), objects=None, spool=folder / "spool"
    )
    count = convert_files(source, HEAD, FolderPlace(folder / "out"), NoProgress())
    location = LocalFolder(folder / "out")
    export = open_export(location, EXPORT_ID, None)
    assert export.item_count == count
    files = check_export(export, location, None, NoProgress())
    lines = [line for file in files for _, line in read_lines(file)]
    return sorted((json.loads(line)["Item"] for line in lines), key=str)


def write(folder: Path, name: str, content: bytes) -> Path:
    """Write one foreign file."""
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_parquet(folder: Path, columns: Mapping[str, pa.Array], name: str = "a.parquet") -> None:
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table(dict(columns)), path)


def test_parquet_with_declared_columns_keeps_every_type(tmp_path: Path) -> None:
    big = Decimal(12345678901234567890123456789012345678)
    write_parquet(
        tmp_path,
        {
            "id": pa.array(["o-1"]),
            "n": pa.array([big], pa.decimal128(38, 0)),
            "part": pa.array(["-0.50"]),
            "b": pa.array([b"\x00\x01\x02\xff"]),
            "yes": pa.array([True]),
            "ss": pa.array([["a", "b"]]),
            "ns": pa.array([["1", "2.50"]]),
            "bs": pa.array([[b"\x00", b"\xff"]]),
            "m": pa.array([{"x": "y"}]),
        },
    )
    expected = {name: value for name, value in EVERYTHING.items() if name != "l"}
    accept = ("text-as-s",)
    assert convert(tmp_path, "parquet", columns=COLUMNS, accept=accept) == [expected]


def test_json_lines_with_declared_columns_keep_every_type(tmp_path: Path) -> None:
    row = (
        '{"id":"o-1","n":12345678901234567890123456789012345678,"part":-0.50,"b":"AAEC/w==",'
        '"yes":true,"ss":["a","b"],"ns":[1,2.5],"bs":["AA==","/w=="],"l":[1.50,null,"x"],'
        '"m":{"x":"y"}}\n'
    )
    write(tmp_path, "part-0.json.gz", gzip.compress(row.encode()))
    accept = ("text-as-s",)
    assert convert(tmp_path, "json-lines", columns=COLUMNS, accept=accept) == [EVERYTHING]


def test_csv_with_declared_columns_keeps_every_type(tmp_path: Path) -> None:
    header = "id,n,part,b,yes,ss,ns,bs,l,m"
    cells = (
        'o-1,12345678901234567890123456789012345678,-0.50,AAEC/w==,true,"[""a"",""b""]",'
        '"[1,2.5]","[""AA=="",""/w==""]","[1.50,null,""x""]","{""x"":""y""}"'
    )
    write(tmp_path, "a.csv", f"{header}\r\n{cells}\r\n".encode())
    accept = ("text-as-s",)
    assert convert(tmp_path, "csv", columns=COLUMNS, accept=accept) == [EVERYTHING]


NEWER = (
    b'{"id":{"s":"o-1"},"n":{"n":"12345678901234567890123456789012345678"},"part":{"n":"-0.5"},'
    b'"b":{"b":"AAEC/w=="},"yes":{"bOOL":true},"ss":{"sS":["a","b"]},"ns":{"nS":["1","2.5"]},'
    b'"bs":{"bS":["AA==","/w=="]},"l":{"l":[{"n":"1.5"},{"nULLValue":true},{"s":"x"}]},'
    b'"m":{"m":{"x":{"s":"y"}}}}'
)


def test_both_forms_of_data_pipeline_keep_every_type(tmp_path: Path) -> None:
    older = b"\x02".join(
        name.encode() + b"\x03" + json.dumps(value).encode()
        for name, value in json.loads(NEWER).items()
    )
    write(tmp_path, "1e6bc7b1", NEWER + b"\n" + older + b"\n")
    write(tmp_path, "manifest", b"{}")
    write(tmp_path, "_SUCCESS", b"")
    assert convert(tmp_path, "data-pipeline", count=2) == [EVERYTHING, EVERYTHING]


def test_undeclared_columns_follow_the_stated_rule(tmp_path: Path) -> None:
    write(
        tmp_path, "a", b'{"id":"1","n":1.50,"f":false,"l":["a",null],"m":{"x":null,"y":2},"z":null}'
    )
    accept = ("lists-as-l", "nulls-as-absent", "text-as-s")
    assert convert(tmp_path, "json-lines", accept=accept) == [
        {
            "id": {"S": "1"},
            "n": {"N": "1.5"},
            "f": {"BOOL": False},
            "l": {"L": [{"S": "a"}, {"NULL": True}]},
            "m": {"M": {"y": {"N": "2"}}},
        }
    ]


def test_times_and_floats_of_parquet_are_doubtful_and_read_as_stated(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    write_parquet(
        tmp_path,
        {
            "at": pa.array([moment], pa.timestamp("ms", "UTC")),
            "day": pa.array([moment.date()]),
            "f": pa.array([0.1]),
            "i": pa.array([2**53 + 1]),
        },
    )
    accept = ("floats-as-n", "text-as-s", "times-as-s")
    assert convert(tmp_path, "parquet", accept=accept) == [
        {
            "at": {"S": "2026-01-02 03:04:05.000Z"},
            "day": {"S": "2026-01-02"},
            "f": {"N": "0.1"},
            "i": {"N": "9007199254740993"},
        }
    ]


DOUBTS: Sequence[tuple[str, str, bytes, str]] = [
    ("json-lines", "a", b'{"id":"1"}', "text-as-s (id)"),
    ("json-lines", "a", b'{"l":[]}', "lists-as-l (l)"),
    ("json-lines", "a", b'{"z":null}', "nulls-as-absent (z)"),
    ("json-lines", "a", b'{"m":{"z":null}}', "nulls-as-absent (m)"),
    ("csv", "a", b'id\n""\n', "empty-as-absent (id)"),
    ("csv", "a", b"id\n7\n", "text-as-s (id)"),
]


@pytest.mark.parametrize(("form", "name", "content", "expected"), DOUBTS)
def test_what_is_in_doubt_is_named_and_stops_it(
    tmp_path: Path, form: str, name: str, content: bytes, expected: str
) -> None:
    write(tmp_path, name, content)
    with pytest.raises(CheckFailed) as caught:
        convert(tmp_path, form)
    assert expected in caught.value.message
    assert "accept: [" in str(caught.value.hint)
    assert not list((tmp_path / "out").rglob("manifest*")), "nothing is finished"


def test_every_doubt_is_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, "a", b'{"a":"x","b":[1],"c":null}\n{"a2":"x"}')
    with pytest.raises(CheckFailed) as caught:
        convert(tmp_path, "json-lines", accept=("lists-as-l",))
    lines = caught.value.message.splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["nulls-as-absent", "text-as-s"]
    assert "(a, a2)" in lines[2]


FAULTS: Sequence[tuple[str, bytes, dict[str, Any], str]] = [
    ("json-lines", b'{"a":1}\n[]', {}, "a: row 2 is not as expected: it is not a JSON object"),
    ("json-lines", b'{"a":1}\n{"a":', {}, "a: row 2 is not as expected: it is not JSON"),
    ("json-lines", b'{"a":1,"a":2}', {}, "a: row 1 is not as expected: it has a name twice"),
    ("json-lines", b'{"a":NaN}', {}, "a: row 1 is not as expected: it holds NaN or Infinity"),
    ("json-lines", b'{"a":"x"}', {"columns": {"a": "N"}}, "column a must be N; found a string"),
    ("json-lines", b'{"a":1}', {"columns": {"a": "S"}}, "column a must be S; found a number"),
    ("json-lines", b'{"a":"?"}', {"columns": {"a": "B"}}, "column a must be B; found a string"),
    (
        "json-lines",
        b'{"a":[]}',
        {"columns": {"a": "SS"}},
        "column a must be SS; found another list",
    ),
    ("json-lines", b'{"a":[1]}', {"columns": {"a": "SS"}}, "column a must be S; found a number"),
    ("json-lines", b'{"a":1}', {"columns": {"a": "L"}}, "column a must be L; found a number"),
    ("json-lines", b'{"a":1}', {"columns": {"a": "M"}}, "column a must be M; found a number"),
    ("json-lines", b'{"a":1e999}', {}, "column a must be N; found a number"),
    ("csv", b"a,b\n1,2\n3\n", {}, "a: row 2 is not as expected: it has 1 cells"),
    ("csv", b"a,a\n1,2\n", {}, "the first record does not name each column once"),
    ("csv", b'a\n"x\n', {}, "a: row 1 is not as expected: it is not CSV"),
    ("csv", b"a\n\xff\n", {}, "a: row 1 is not as expected: it is not UTF-8"),
    ("csv", b"a\nx\n", {"columns": {"a": "L"}}, "a: row 1 is not as expected: it is not JSON"),
    ("parquet", b"PAR1 no", {}, "a: cannot be read as Parquet"),
    ("data-pipeline", b'{"a":{"s":1}}', {}, "it has a value of an unknown type"),
    ("data-pipeline", b'{"a":{"S":"x"}}', {}, "it has a value of an unknown type"),
    ("data-pipeline", b'{"a":{"s":"x","n":"1"}}', {}, "a value without exactly one type"),
    ("data-pipeline", b'a{"s":"x"}', {}, "it has a pair without a name, or a name twice"),
]


@pytest.mark.parametrize(("form", "content", "said", "expected"), FAULTS)
def test_a_row_that_is_not_as_expected_is_named_without_its_value(
    tmp_path: Path, form: str, content: bytes, said: dict[str, Any], expected: str
) -> None:
    write(tmp_path, "a", content)
    with pytest.raises(CheckFailed) as caught:
        convert(tmp_path, form, **said)
    assert expected in caught.value.message


def test_a_truncated_or_damaged_gzip_stops_it(tmp_path: Path) -> None:
    body = gzip.compress(b'{"a":1}\n' * 1000)
    write(tmp_path, "a.gz", body[:-3])
    with pytest.raises(CheckFailed, match="it is truncated"):
        convert(tmp_path, "json-lines")


def test_a_stated_count_stands_in_for_a_manifest(tmp_path: Path) -> None:
    write(tmp_path, "a", b'{"a":1}\n{"a":2}\n')
    assert len(convert(tmp_path, "json-lines", count=2)) == 2
    with pytest.raises(CheckFailed, match=r"the files have 2 items; source\.export\.count says 3"):
        convert(tmp_path, "json-lines", count=3)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_checksum_file_names_the_files_that_count(tmp_path: Path, kind: str) -> None:
    body = b'{"a":1}\n'
    write(tmp_path, "deep/a", body)
    write(tmp_path, "extra", b'{"a":2}\n')
    digest = hashlib.new(kind, body).hexdigest()
    write(tmp_path, "SUMS", f"{digest}  deep/a\n".encode())
    assert convert(tmp_path, "json-lines", checksums="SUMS") == [{"a": {"N": "1"}}]
    write(tmp_path, "deep/a", b'{"a":3}\n')
    with pytest.raises(CheckFailed, match=r"deep/a: its digest is .*; the checksum file says"):
        convert(tmp_path, "json-lines", checksums="SUMS")
    (tmp_path / "in" / "deep" / "a").unlink()
    with pytest.raises(CheckFailed, match="data file deep/a is missing"):
        convert(tmp_path, "json-lines", checksums="SUMS")


@pytest.mark.parametrize(
    "line", ["", "abc  a", f"{'0' * 32}  ../a", f"{'0' * 32}  /etc/passwd", f"{'0' * 31}  a"]
)
def test_a_checksum_file_leads_to_nothing_outside(tmp_path: Path, line: str) -> None:
    write(tmp_path, "SUMS", f"{line}\n".encode())
    with pytest.raises(CheckFailed, match="SUMS"):
        convert(tmp_path, "json-lines", checksums="SUMS")


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="does not exist"):
        convert(tmp_path, "csv")
    write(tmp_path, "_SUCCESS", b"")
    with pytest.raises(Refused, match="there are no files"):
        convert(tmp_path, "csv")


def test_binary_text_is_taken_in_canonical_form(tmp_path: Path) -> None:
    text = base64.b64encode(b"\x00").decode()
    write(tmp_path, "a", json.dumps({"b": text}).encode())
    assert convert(tmp_path, "json-lines", columns={"b": "B"}) == [{"b": {"B": "AA=="}}]
