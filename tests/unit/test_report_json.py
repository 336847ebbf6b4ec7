"""``report.json``: the same report gives the same bytes, and reads back as itself."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from retable.runner.failure import Refused
from retable.runner.report.item_figures import DifferenceRow
from retable.runner.report.json import encode_report, read_report
from retable.runner.report.model import Report, StepReport
from support.checkout import ROOT
from support.reports import reports

SCHEMA: dict[str, Any] = json.loads((ROOT / "schema/report.schema.json").read_bytes())
CASES = sorted((ROOT / "tests/cases/report").glob("*/report.json"))


@given(reports)
def test_every_report_is_valid_and_reads_back_as_itself(
    tmp_path_factory: pytest.TempPathFactory, report: Report
) -> None:
    path = tmp_path_factory.getbasetemp() / "report.json"
    path.write_bytes(encode_report(report))
    Draft202012Validator(SCHEMA).validate(json.loads(path.read_bytes()))
    assert read_report(path) == report


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_the_cases_are_valid_and_written_as_encoded(path: Path) -> None:
    Draft202012Validator(SCHEMA).validate(json.loads(path.read_bytes()))
    assert encode_report(read_report(path)) == path.read_bytes()


def test_the_schema_itself_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_knows_every_part_of_a_report() -> None:
    assert list(SCHEMA["properties"]) == list(Report.__dataclass_fields__)
    assert list(SCHEMA["required"]) == list(Report.__dataclass_fields__)


def test_the_format_version_comes_first() -> None:
    assert CASES[0].read_bytes().startswith(b'{\n  "format_version": 1,\n')


def test_the_order_in_which_reasons_and_facts_were_found_does_not_show() -> None:
    report = read_report(CASES[0])
    step = StepReport(
        id="a", kind="A", title="a", outcome="done", seconds=1.0, facts={"b": 1, "a": 2}
    )
    one = replace(report, rejects_by_reason={"b": 1, "a": 2}, steps=(step,))
    other = replace(
        report,
        rejects_by_reason={"a": 2, "b": 1},
        steps=(replace(step, facts={"a": 2, "b": 1}),),
    )
    assert encode_report(one) == encode_report(other)


def test_a_key_keeps_its_partition_attribute_first(tmp_path: Path) -> None:
    row = DifferenceRow(kind="extra", key={"z": {"S": "1"}, "a": {"S": "2"}})
    path = tmp_path / "report.json"
    path.write_bytes(encode_report(replace(read_report(CASES[0]), first_differences=(row,))))
    assert list(read_report(path).first_differences[0].key) == ["z", "a"]


def test_a_file_name_that_is_not_utf8_is_written_and_read_back(tmp_path: Path) -> None:
    report = replace(read_report(CASES[0]), spec_file="specs/\udcff.migrate.yaml")
    path = tmp_path / "report.json"
    path.write_bytes(encode_report(report))
    assert read_report(path) == report


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b'{"format_version": 1', "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[]", "has format version None, expected 1"),
        (b'{"format_version": 2}', "has format version 2, expected 1"),
        (b'{"format_version": 1}', "does not have the structure of a report"),
    ],
)
def test_what_is_no_report_is_refused_by_name(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(Refused) as refused:
        read_report(path)
    assert refused.value.message.startswith(f"the report {path} ")
    assert message in refused.value.message


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("run_id", 7),
        ("verdict", "perhaps"),
        ("counts", {"read": "7"}),
        ("rejects_by_reason", {"a": 1.5}),
        ("checks", [{"name": "x", "outcome": "passed", "expected": 1.5}]),
        ("notes", None),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(tmp_path: Path, part: str, value: object) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({**json.loads(CASES[0].read_bytes()), part: value}))
    with pytest.raises(Refused, match="does not have the structure of a report"):
        read_report(path)


def test_a_missing_report_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file or directory"):
        read_report(tmp_path / "report.json")
