"""What a load takes, about: each loader's units, time and money."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.costs import LoaderEstimate, Prices, loaders
from retable.runner.planning.show import describe
from retable.schema.spec import Spec
from support.builders import build_spec
from support.observed import description, export, observed, settings

SPEC = """
spec: 1
name: orders
source: {table: orders, region: eu-west-1, export: {kind: native, location: s3://acme-exports/}}
target:
  table: orders-v2
  key: {partition: {name: customer_id, type: S}}
  billing: BILLING
  indexes:
    global:
      - {name: by_status, partition: {name: status, type: S}}
LOCAL
transform: {fields: {customer_id: customer.id}}
"""
ITEMS = 1_000_000


def planned(
    tmp_path: Path, billing: str = "on-demand", size: int = 500, load: str = ""
) -> tuple[Plan, Spec]:
    """Return the plan for a million items of ``size`` bytes on average, and its spec."""
    table = replace(description(), item_count=ITEMS, size_bytes=ITEMS * size)
    seen = observed(
        source=replace(settings(), description=table),
        target=None,
        export=replace(export(), item_count=ITEMS),
    )
    text = SPEC.replace("BILLING", billing).replace("LOCAL", "") + load
    spec = build_spec(tmp_path, text)
    return compile_plan(spec, seen), spec


def test_each_item_takes_whole_units_in_the_table_and_in_each_global_index(tmp_path: Path) -> None:
    batch, bulk, imported = loaders(*planned(tmp_path, size=1500), Prices())
    assert batch == LoaderEstimate(
        loader="batch-write", units=4 * ITEMS, seconds=1000, dollars=Decimal("2.50")
    )
    assert replace(bulk, loader="batch-write") == batch
    assert (imported.units, imported.seconds) == (0, None)
    assert imported.dollars == Decimal("0.21"), "1.4 GB at 15 cents"


def test_provisioned_capacity_is_paid_by_the_hour_and_sets_the_pace(tmp_path: Path) -> None:
    batch, *_ = loaders(*planned(tmp_path, billing="{read: 5, write: 500}"), Prices())
    assert (batch.seconds, batch.dollars) == (4000, None)


def test_local_indexes_rule_an_import_out(tmp_path: Path) -> None:
    local = "    local: [{name: by_date, sort: {name: at, type: S}}]"
    spec = SPEC.replace("BILLING", "on-demand").replace("LOCAL", local)
    spec = spec.replace("type: S}}\n  billing", "type: S}, sort: {name: n, type: N}}\n  billing")
    built = build_spec(tmp_path, spec)
    *_, imported = loaders(compile_plan(built, observed(target=None)), built, Prices())
    assert imported.ruled_out == "an import creates no local secondary indexes"


def test_a_plan_shows_the_loaders_and_marks_its_own(tmp_path: Path) -> None:
    plan, spec = planned(tmp_path)
    lines = list(describe(plan, spec, "0" * 64))
    start = next(n for n, line in enumerate(lines) if "loader" in line and "write units" in line)
    assert lines[start + 1].split("  ")[0] == "> batch-write"
    assert lines[start + 1].split()[2:] == ["2,000,000", "8", "m", "20", "s", "$1.25"]
    assert lines[start + 2].startswith("  bulk-put")
    assert "us-east-1 in 2026-11" in lines[start + 4]


def test_without_a_size_nothing_is_estimated(tmp_path: Path) -> None:
    plan, spec = planned(tmp_path)
    assert list(loaders(replace(plan, items=None), spec, Prices())) == []
    assert list(loaders(replace(plan, steps=()), spec, Prices())) == []


@pytest.mark.parametrize("loader", ["batch-write", "bulk-put", "import-table"])
def test_the_loaders_are_compared_at_the_rate_that_the_spec_declares(
    tmp_path: Path, loader: str
) -> None:
    batch, *_ = loaders(*planned(tmp_path, load=f"load: {{with: {loader}, rate: 2000}}"), Prices())
    assert batch.seconds == 1000
