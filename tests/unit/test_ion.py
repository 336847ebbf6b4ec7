"""Ion text as DynamoDB JSON: every spelling of a value, and what no DynamoDB export holds."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from amazon.ion import simpleion

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.ion import NotDynamoDBError, read_ion, typed_fields
from retable.runner.export.item_lines import NO_ITEM, item_reader


def typed(value: str) -> Any:
    """Return what the attribute ``a`` is, written as the Ion text ``value``."""
    struct = read_ion(f"$ion_1_0 {{Item:{{a:{value}}}}}".encode())
    return typed_fields(struct["Item"])["a"]


@pytest.fixture(params=["C", "Python"], autouse=True)
def _reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library has two readers; without its C extension it uses the other one."""
    monkeypatch.setattr(simpleion, "c_ext", request.param == "C")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("103.", "103"),
        ("103", "103"),
        ("2d3", "2000"),
        ("-0.", "0"),
        ("0d-3", "0"),
        ("12.50", "12.5"),
        ("1_000.5", "1000.5"),
        ("1d125", "1" + "0" * 125),
        ("-1d-130", "-0." + "0" * 129 + "1"),
        ("9.9999999999999999999999999999999999999d125", "9" * 38 + "0" * 88),
        ("12345678901234567890123456789012345678.", "12345678901234567890123456789012345678"),
        ("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678"),
        ("1.00000000000000000000000000000000000000000000000", "1"),
    ],
)
def test_a_number_is_spelt_as_dynamodb_json_spells_it(text: str, number: str) -> None:
    assert typed(text) == {"N": number}


def test_a_number_that_dynamodb_cannot_hold_is_left_to_the_mapping_to_refuse() -> None:
    digits = "1.23456789012345678901234567890123456789"
    assert typed(digits) == {"N": digits}
    assert typed("1d126") == {"N": "1E+126"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"caf\\u00e9\\n\\x01 \\U0001F600"', {"S": "café\n\x01 \U0001f600"}),
        ('""', {"S": ""}),
        ("'''a''' '''b'''", {"S": "ab"}),
        ("{{AAH/}}", {"B": "AAH/"}),
        ("{{ A A H / }}", {"B": "AAH/"}),
        ("{{}}", {"B": ""}),
        ("true", {"BOOL": True}),
        ("false", {"BOOL": False}),
        ("null", {"NULL": True}),
        ("null.null", {"NULL": True}),
        ("[]", {"L": []}),
        ("{}", {"M": {}}),
        ('[1.,"a",[null]]', {"L": [{"N": "1"}, {"S": "a"}, {"L": [{"NULL": True}]}]}),
        ("{'x y':{\"z\":true}}", {"M": {"x y": {"M": {"z": {"BOOL": True}}}}}),
        ('$dynamodb_SS::["a","b"]', {"SS": ["a", "b"]}),
        ("$dynamodb_NS::[1.0,2d1]", {"NS": ["1", "20"]}),
        ("'$dynamodb_BS'::[{{AA==}},{{}}]", {"BS": ["AA==", ""]}),
        ("$dynamodb_SS::[]", {"SS": []}),
    ],
)
def test_each_type_has_its_ion(text: str, value: dict[str, Any]) -> None:
    assert typed(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "1e0",
        "nan",
        "2026-01-02T",
        "symbol",
        "(1. 2.)",
        '{{"clob"}}',
        "null.string",
        "null.decimal",
        "null.list",
        "other::1.",
        "other::{}",
        "a::null",
        'other::["a"]',
        '$dynamodb_SS::other::["a"]',
        "$dynamodb_SS::[1.]",
        "$dynamodb_SS::{}",
        '$dynamodb_SS::("a")',
        "$dynamodb_NS::[[1.]]",
        "{x:1.,x:2.}",
        "[1e0]",
        "{$0:1.}",
    ],
)
def test_what_dynamodb_never_writes_is_refused(text: str) -> None:
    with pytest.raises(NotDynamoDBError):
        typed(text)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"$ion_1_0",
        b"$ion_1_0 {Item:{a:1.}",
        b"$ion_1_0 {Item:{a:1.}} {Item:{a:1.}}",
        b"$ion_1_0 {Item:{a:1.},Item:{a:1.}}",
        b"$ion_1_0 {Other:{a:1.}}",
        b"$ion_1_0 {Item:{a:1.},b:1.}",
        b"$ion_1_0 {Item:[]}",
        b"$ion_1_0 [{Item:{}}]",
        b'$ion_1_0 "text"',
        b"$ion_9_9 {Item:{}}",
        b"\xff\xfe",
        b'$ion_1_0 {Item:{a:"\xff"}}',
        b"\xe0\x01\x00\xea\x0f",
        b"$ion_1_0 {Item:{a:" + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b"$ion_1_0 {Item:{a:" + b"9" * 10_000 + b"}}",
        b"$ion_1_0 {Item:{a:1d9999999999999}}",
    ],
)
def test_a_line_without_an_item_yields_none_and_never_raises(line: bytes) -> None:
    read = item_reader(CheckedFile(key="a", path=Path(), item_count=1, md5="", format="ION"))
    found = read(line)
    assert found == NO_ITEM or orjson.loads(found)["Item"]["a"]["N"]


def test_a_json_line_is_handed_on_as_it_is() -> None:
    read = item_reader(CheckedFile(key="a", path=Path(), item_count=1, md5=""))
    assert read(b'{"Item": {"a": {"N": "1.50"}}}') == b'{"Item": {"a": {"N": "1.50"}}}'
