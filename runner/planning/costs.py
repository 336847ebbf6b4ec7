"""Estimates of a load: write units, time and money for each loader. Makes no calls.

Sizes are averages, so every figure is an estimate; the dry run's ledger knows the sizes exactly.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from retable.runner.plan.plan import Plan
from retable.runner.plan.target_steps import (
    AnyLoad,
    CreateTable,
    DeployTable,
    ImportTable,
)
from retable.runner.text.figures import duration
from retable.schema.spec import Percentage, Spec

Loader = Literal["batch-write", "bulk-put", "import-table"]
UNIT_BYTES = 1024
"""A write unit covers 1 KB of an item, rounded up."""
GIGABYTE = Decimal(1024**3)
MILLION = Decimal(1_000_000)
NEW_TABLE_WRITES = 4_000
"""Write units a second that a new on-demand table takes (AWS: warm throughput, default values)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars, of one Region at one date; nothing is ever fetched."""

    as_of: str = "2026-11"
    region: str = "us-east-1"
    million_writes: Decimal = Decimal("0.625")
    """A million write units on demand."""
    imported_gigabyte: Decimal = Decimal("0.15")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoaderEstimate:
    """What one loader takes for all items of a plan."""

    loader: Loader
    units: int
    """Write units that are consumed, those of global indexes included; none for an import."""
    seconds: int | None
    """``None`` where AWS publishes nothing to estimate it by."""
    dollars: Decimal | None
    """``None`` where the table's capacity is paid by the hour."""
    ruled_out: str | None = None
    """Why it cannot be used for this target."""


def loaders(plan: Plan, spec: Spec, prices: Prices) -> Iterator[LoaderEstimate]:
    """Yield an estimate for each loader; none where the plan loads nothing or no size is known."""
    creates = [
        step for step in plan.steps if isinstance(step, CreateTable | ImportTable | DeployTable)
    ]
    loads = any(isinstance(step, AnyLoad) for step in plan.steps)
    if not creates or not loads or plan.settings is None or not plan.items:
        return
    request, description = creates[0].request, plan.settings.description
    average = description.size_bytes / description.item_count if description.item_count else 0
    each = max(1, math.ceil(average / UNIT_BYTES))
    indexes = len(request.get("GlobalSecondaryIndexes", ()))
    units = plan.items * each * (1 + indexes)
    rate = load_rate(spec, request) or writes_a_second(request)
    on_demand = request.get("BillingMode") == "PAY_PER_REQUEST"
    dollars = _cents(units * prices.million_writes / MILLION) if on_demand else None
    seconds = math.ceil(units / rate)
    yield LoaderEstimate(loader="batch-write", units=units, seconds=seconds, dollars=dollars)
    yield LoaderEstimate(loader="bulk-put", units=units, seconds=seconds, dollars=dollars)
    size = Decimal(math.ceil(average * plan.items))
    yield LoaderEstimate(
        loader="import-table",
        units=0,
        seconds=None,
        dollars=_cents(size / GIGABYTE * prices.imported_gigabyte),
        ruled_out=no_import(request),
    )


def load_rate(spec: Spec, request: Mapping[str, Any]) -> int | None:
    """Return the write units a second that a load may use; a percentage is of the new table's."""
    rate = spec.load.rate
    if not isinstance(rate, Percentage):
        return rate
    return max(1, math.floor(writes_a_second(request) * rate.percent / 100))


def writes_a_second(request: Mapping[str, Any]) -> int:
    """Return the write units a second of the table that CreateTable's ``request`` creates."""
    provisioned: Mapping[str, int] = request.get("ProvisionedThroughput", {})
    return provisioned.get("WriteCapacityUnits", NEW_TABLE_WRITES)


def no_import(request: Mapping[str, Any]) -> str | None:
    """Return why ImportTable cannot create this table; botocore's model has its parameters."""
    if request.get("LocalSecondaryIndexes"):
        return "an import creates no local secondary indexes"
    if request.get("TableClass", "STANDARD") != "STANDARD":
        return f"an import creates no table of class {request['TableClass']}"
    return None


def _cents(dollars: Decimal) -> Decimal:
    return dollars.quantize(Decimal("0.01"))


def loader_lines(plan: Plan, spec: Spec) -> Iterator[str]:
    """Yield the estimate of each loader, marking the one that the spec names."""
    prices = Prices()
    found = list(loaders(plan, spec, prices))
    if not found:
        return
    yield f"  {'loader':<15} {'write units':>15}  {'est. time':>10}  {'est. cost':>10}"
    for estimate in found:
        sign = ">" if estimate.loader == spec.load.with_ else " "
        cost = "-" if estimate.dollars is None else f"${estimate.dollars:,}"
        spent = "-" if estimate.seconds is None else duration(estimate.seconds)
        units = f"{estimate.units:,}" if estimate.units else "-"
        line = f"{sign} {estimate.loader:<15} {units:>15}  {spent:>10}  {cost:>10}"
        yield f"{line}   {estimate.ruled_out}" if estimate.ruled_out else line
    yield f"  estimated by the average item, at prices of {prices.region} in {prices.as_of}"
    yield ""
