"""What a recovery refuses while planning: another table's export, another name for a repair."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retable.runner.failure import Refused
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.observe import Observed
from retable.schema import load_spec
from support.command import SPECS
from support.observed import description, export, observed, settings

KNOWN = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC)


def planned(folder: Path, world: Observed, *changes: tuple[str, str], **kept: str) -> Plan:
    """Return the plan of the example of a damaged table, with ``changes`` made to its text."""
    text = (SPECS / kept.get("example", "damaged-orders.migrate.yaml")).read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "spec.migrate.yaml"
    path.write_text(text, "utf-8")
    return compile_plan(load_spec(path), world)


def damaged(**changes: Any) -> Observed:
    return observed(region="eu-west-1", recoverable=KNOWN, **changes)


def lost(**changes: Any) -> Observed:
    """Return a world without the table, in which there is that export of it."""
    return replace(observed(), source=None, export=export(**changes))


def test_a_repaired_table_keeps_its_name(tmp_path: Path) -> None:
    other = "target:\n  table: orders", "target:\n  table: orders-v2"
    with pytest.raises(Refused, match="is repaired under its own name; found orders-v2"):
        planned(tmp_path, damaged(), other)


def test_a_repair_takes_no_export_of_an_earlier_table(tmp_path: Path) -> None:
    at = next(
        line.partition("#")[0].strip()
        for line in (SPECS / "damaged-orders.migrate.yaml").read_text("utf-8").splitlines()
        if line.strip().startswith("at:")
    )
    named = at, "id: 01790000000000-0a1b2c3d"
    with pytest.raises(Refused, match="is of another physical table than the current orders"):
        planned(tmp_path, damaged(export=export(table_id="an-earlier-one")), named)
    assert planned(tmp_path, damaged(export=export()), named).steps


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:dynamodb:eu-west-1:111122223333:table/products",
        "arn:aws:dynamodb:us-east-1:111122223333:table/orders",
        "arn:aws:dynamodb:eu-west-1:999988887777:table/orders",
    ],
)
def test_a_lost_table_is_not_recreated_from_another_tables_export(tmp_path: Path, arn: str) -> None:
    example = "lost-orders.migrate.yaml"
    with pytest.raises(Refused, match=f"is of {arn}; the spec's table is orders in eu-west-1"):
        planned(tmp_path, lost(table_arn=arn), example=example)
    assert planned(tmp_path, lost(), example=example).steps


def test_a_repair_deletes_nothing_that_cannot_be_restored(tmp_path: Path) -> None:
    source = settings(description(), unkept=("vector indexes",))
    plan = planned(tmp_path, damaged(source=source))
    assert not plan.steps
    assert "orders has vector indexes, which would be lost with it" in plan.unsupported


def test_a_repair_freezes_and_keeps_a_backup_whatever_the_spec_says(tmp_path: Path) -> None:
    said = "strategy: recover", "strategy: recover\n  freeze: none\n  backup: none\n  settle: 10m"
    plan = planned(tmp_path, damaged(), said)
    assert {"freeze", "backup"} <= {step.id for step in plan.steps}
    assert "orders is frozen and backed up before it is deleted" in plan.notes
    assert "no backup of orders is made" not in plan.notes
    warned = [one.message for one in load_spec(tmp_path / "spec.migrate.yaml").warnings]
    assert not [message for message in warned if "settle" in message]
