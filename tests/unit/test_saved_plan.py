"""Plans in files: used once, only while they fit, with what moved in words where they do not."""

import json
from dataclasses import fields
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from retable.runner.failure import Refused, Stale
from retable.runner.plan.encoding import encode_plan
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_dry_run, compile_plan
from retable.runner.planning.observe import Observed
from retable.runner.runs.saved_plan import moved, read_saved_plan, require_same, save_plan
from retable.schema.spec import KeyAttribute, KeySchema, Spec
from support.builders import build_spec
from support.checkout import ROOT
from support.observed import description, export, observed, settings

SCHEMA = json.loads((ROOT / "schema" / "plan.schema.json").read_bytes())
REPLACE = """
spec: 1
name: orders-by-customer
source:
  table: orders
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/orders/}
target:
  table: orders
  key:
    partition: {name: customer_id, type: S}
rebuild: {strategy: replace}
transform:
  fields: {customer_id: customer.id}
"""
OLD = KeySchema(partition=KeyAttribute("id", "S"))


@pytest.fixture(name="spec")
def _spec(tmp_path: Path) -> Spec:
    return build_spec(tmp_path, REPLACE)


@pytest.fixture(name="plan")
def _plan(spec: Spec) -> Plan:
    return compile_plan(spec, observed())


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (observed(), []),
        (observed(settings(description(item_count=99, size_bytes=9900))), []),
        (
            observed(settings(description(table_id="another"))),
            ["the source's TableId: 3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968 -> another"],
        ),
        (observed(settings(description(key=OLD))), ["the source's key"]),
        (
            observed(settings(ttl="expires_at", pitr_days=7)),
            ["the source's pitr days", "the source's ttl"],
        ),
        (observed(account="444455556666"), ["the account: 111122223333 -> 444455556666"]),
        (observed(sandbox=True), ["whether it is a sandbox: False -> True"]),
    ],
)
def test_changes_are_reported_and_estimates_are_not(
    spec: Spec, plan: Plan, world: Observed, words: list[str]
) -> None:
    assert moved(plan, compile_plan(spec, world)) == words


def test_another_finished_export_is_reported(spec: Spec) -> None:
    one, other = (observed(export=export(id=name)) for name in ("01-a", "01-b"))
    found = moved(compile_plan(spec, one), compile_plan(spec, other))
    assert found == ["the finished export: 01-a -> 01-b"]
    found = moved(compile_plan(spec, observed()), compile_plan(spec, other))
    assert found == ["the finished export: none -> 01-b"]


def test_a_plan_that_is_out_of_date_is_stale(spec: Spec, plan: Plan) -> None:
    require_same(plan, compile_plan(spec, observed()), Path("p.json"))
    now = compile_plan(spec, observed(settings(ttl="expires_at"), region="eu-west-2"))
    with pytest.raises(Stale) as caught:
        require_same(plan, now, Path("p.json"))
    assert caught.value.message == (
        "p.json is out of date; changed since: the region: eu-west-1 -> eu-west-2; the source's ttl"
    )


def test_a_plan_is_read_back_and_knows_its_id(tmp_path: Path, spec: Spec, plan: Plan) -> None:
    path = tmp_path / "p.json"
    save_plan(plan, path, "0a1b")
    assert read_saved_plan(path, spec, tmp_path) == (plan, "0a1b")


def test_a_plan_is_used_once(tmp_path: Path, spec: Spec, plan: Plan) -> None:
    path, folder = tmp_path / "p.json", tmp_path / "runs" / "0a1b-2c3d"
    save_plan(plan, path, "0a1b")
    folder.mkdir(parents=True)
    (folder / "plan.json").write_bytes(encode_plan(plan, "0a1b"))
    with pytest.raises(Stale, match="was used already, by run 0a1b-2c3d") as caught:
        read_saved_plan(path, spec, tmp_path / "runs")
    assert str(caught.value.hint).startswith("resume it with --resume --run 0a1b-2c3d, or ")
    (folder / "plan.json").write_bytes(encode_plan(plan, "ffff"))
    read_saved_plan(path, spec, tmp_path / "runs")


def test_a_plan_of_an_older_spec_is_stale(tmp_path: Path, spec: Spec, plan: Plan) -> None:
    path = tmp_path / "p.json"
    save_plan(plan, path, "0a1b")
    changed = build_spec(tmp_path, REPLACE.replace("customer.id", "customer.key"))
    with pytest.raises(Stale, match=r"changed since: the spec: .* has changed"):
        read_saved_plan(path, changed, tmp_path)
    other = build_spec(tmp_path, REPLACE.replace("orders-by-customer", "other"))
    with pytest.raises(Refused, match="is a plan for orders-by-customer; the spec is other"):
        read_saved_plan(path, other, tmp_path)
    del spec


def test_a_plan_that_was_not_kept_or_writes_nothing_is_refused(
    tmp_path: Path, spec: Spec, plan: Plan
) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(encode_plan(plan))
    with pytest.raises(Refused, match="has no id"):
        read_saved_plan(path, spec, tmp_path)
    save_plan(compile_dry_run(spec, export()), path, "0a1b")
    with pytest.raises(Refused, match="cannot be applied"):
        read_saved_plan(path, spec, tmp_path)


def test_an_altered_plan_is_stale(tmp_path: Path, spec: Spec, plan: Plan) -> None:
    path = tmp_path / "p.json"
    save_plan(plan, path, "0a1b")
    path.write_bytes(path.read_bytes().replace(b'"seconds": 300', b'"seconds": 0'))
    with pytest.raises(Stale, match="was altered"):
        read_saved_plan(path, spec, tmp_path)


def test_plans_follow_the_published_schema(spec: Spec, plan: Plan) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    plans = (
        (plan, (True, True, False)),
        (compile_plan(spec, observed(export=export())), (True, True, False)),
        (compile_dry_run(spec, export()), (False, True, False)),
    )
    for one, words in plans:
        document = json.loads(encode_plan(one, "0a1b"))
        Draft202012Validator(SCHEMA).validate(document)
        assert (document["applyable"], document["complete"], document["errored"]) == words


def test_the_schema_names_every_part_of_a_plan() -> None:
    beside = {"fingerprint", "plan_id", "applyable", "complete", "errored"}
    assert set(SCHEMA["properties"]) == {field.name for field in fields(Plan)} | beside
