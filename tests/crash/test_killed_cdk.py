"""I2: a run that deploys, killed around any journal entry and resumed, ends in the same stack."""

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.crashes import World
from support.hand_stacks import COUNT, HandStacks
from support.points import Point
from support.quick_cdk import install

NAME = "by-hand"
STEPS = frozenset(["drop", "delete", "create", "adopt", "deploy-final"])
"""The steps by which a stack changes; the others are killed in ``test_killed_anywhere``."""
CASES = {
    "deleted": {"policy": "Delete"},
    "retained": {"policy": "Retain"},
    "imported": {"policy": "Delete", "provision": "cdk-import"},
    "beside": {"policy": "Retain", "strategy": "side-by-side"},
}


@pytest.fixture
def deploying(world: World, tmp_path: Path) -> World:
    """Return a world whose runs find a CDK command line."""
    programs = install(tmp_path / "bin")
    return replace(world, env={"PATH": f"{programs}:{os.environ['PATH']}"})


def state(world: World, case: Mapping[str, str]) -> Any:
    """Return what a run has left of the table and its stack."""
    with closing(HandStacks(world.sandbox.endpoint)) as stacks:
        return stacks.state(NAME, dict(case))


def deploys(point: Point) -> bool:
    """Return whether a point is around a record of a step that changes a stack."""
    return point.what.partition(" ")[2].partition("/")[0] in STEPS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_i2_killed_around_any_journal_entry_and_resumed_ends_in_the_same_stack(
    deploying: World, case: dict[str, str]
) -> None:
    """Every point of a step that deploys is tried."""
    with closing(HandStacks(deploying.sandbox.endpoint)) as stacks:
        spec = stacks.prepare(deploying.folder, NAME, case)
    run = ["run", spec.name, "--yes"]
    if "strategy" not in case:
        run += ["--allow-delete", NAME]
    with deploying.copy() as straight:
        points = straight.points(*run)
        assert points[-1].what == "after run/completed", straight.output
        wanted = state(straight, case)
    assert (wanted["held"], len(wanted["items"])) == ([True], COUNT)
    assert any(map(deploys, points))
    for point, crashed in deploying.crashes(*run, points=points, only=deploys):
        assert crashed.run(*run, "--resume").code == 0, (point, crashed.output)
        assert state(crashed, case) == wanted, point
