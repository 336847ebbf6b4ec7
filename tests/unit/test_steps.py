"""Steps: links lead to earlier steps of their kind, and every kind has its own evidence."""

import inspect
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from retable.runner.plan.encoding import encode_plan, read_plan
from retable.runner.plan.export_steps import CheckExport, DryRun, ExportProved
from retable.runner.plan.facts import from_json, to_json
from retable.runner.plan.finish_steps import Compared, TableCompared
from retable.runner.plan.plan import Plan, Step
from retable.runner.plan.step import Link, evidence_of, link
from retable.runner.plan.target_steps import LoadItems
from retable.runner.planning.compile import compile_plan
from retable.runner.report.item_figures import Buckets
from retable.runner.report.model import Check
from retable.runner.steps import perform
from support.builders import build_spec
from support.gate import EXPORTED_AT, mapped
from support.observed import observed

KINDS = get_args(Step)
PROVED = ExportProved(
    export_id="01-1", table_id="t", export_time=EXPORTED_AT, item_count=3, data_files=1
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    rebuild = {"strategy": "side-by-side"}
    location = {"kind": "native", "location": "s3://acme-exports/things/"}
    source = {"table": "orders", "export": location}
    return compile_plan(build_spec(tmp_path, rebuild=rebuild, source=source), observed())


def changed(plan: Plan, kind: type[Any], **changes: Any) -> Plan:
    steps = (replace(step, **changes) if isinstance(step, kind) else step for step in plan.steps)
    return replace(plan, steps=tuple(steps))


def test_a_link_leads_to_the_step_that_it_was_made_of(plan: Plan) -> None:
    for step in plan.steps:
        assert plan.at(link(step)) is step
    load = next(step for step in plan.steps if isinstance(step, LoadItems))
    assert isinstance(plan.at(load.dry_run), DryRun)
    assert isinstance(plan.at(plan.at(load.dry_run).check), CheckExport)


@pytest.mark.parametrize(
    ("kind", "changes", "said"),
    [
        (LoadItems, {"dry_run": Link("nowhere")}, "dry_run of the step load is nowhere"),
        (LoadItems, {"dry_run": Link("create")}, "is create, expected an earlier DryRun"),
        (LoadItems, {"create": Link("verify")}, "is verify, expected an earlier CreateTable or"),
        (LoadItems, {"id": "create"}, "two steps are called create"),
    ],
)
def test_a_plan_whose_links_lead_astray_cannot_be(
    plan: Plan, kind: type[Any], changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        changed(plan, kind, **changes)


def test_links_are_ids_in_a_plan_on_disk(plan: Plan, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(encode_plan(plan))
    assert b'"dry_run": "dry-run-only"' in path.read_bytes()
    assert read_plan(path) == plan


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_step_has_a_frozen_evidence_of_its_own(kind: type[Any]) -> None:
    evidence = evidence_of(kind)
    assert is_dataclass(evidence)
    assert evidence.__dataclass_params__.frozen  # type: ignore[attr-defined]  # a dataclass has it
    assert not any(field.type is dict for field in fields(evidence))


def test_what_carries_a_step_out_returns_the_evidence_of_that_kind() -> None:
    """``perform`` cannot say so in types: it takes every kind and returns whatever comes."""
    found = set()
    for name, function in inspect.getmembers(perform, inspect.isfunction):
        hints = get_type_hints(function)
        kind: Any = hints.get("step")
        if function.__module__ != perform.__name__ and kind in KINDS:
            assert hints["return"] is evidence_of(kind), name
            found.add(kind)
    assert found == set(KINDS)


@pytest.mark.parametrize(
    "fact",
    [
        PROVED,
        mapped(),
        replace(mapped(), rejects_by_reason={"missing-key": 1}, sample_of=100),
        Compared(checks=(Check(name="row count", outcome="passed", expected=3, actual=3),)),
        Compared(checks=(Check(name="a", outcome="failed", expected="3", actual=None),)),
        TableCompared(
            checks=(),
            missing=0,
            extra=0,
            different=0,
            buckets=Buckets(expected=(1, 2), actual=(1, 2), differing=(0, 0)),
        ),
    ],
)
def test_evidence_is_read_as_it_was_written(fact: Any) -> None:
    assert from_json(to_json(fact), type(fact)) == fact


def test_a_string_is_not_read_as_a_number() -> None:
    with pytest.raises(Exception, match="While structuring ExportProved"):
        from_json({**to_json(PROVED), "item_count": "3"}, ExportProved)
