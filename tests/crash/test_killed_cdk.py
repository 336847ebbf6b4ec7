"""I2: a run that deploys, killed around any journal entry and resumed, ends in the same stack."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.command import SPECS, clean_environment, standing_sandbox
from support.hand_stacks import COUNT, HandStacks
from support.killed import KilledRuns
from support.quick_cdk import install

POINTS = 3
"""Fewer than a shard has: the test below says so, and fails where it would try none."""
STEPS = frozenset(["drop", "delete", "create", "adopt", "deploy-final"])
"""The steps by which a stack changes; the others are killed in ``test_killed_anywhere``."""
SHARDS = 2
CASES = {
    "deleted": {"policy": "Delete"},
    "retained": {"policy": "Retain"},
    "imported": {"policy": "Delete", "provision": "cdk-import"},
    "beside": {"policy": "Retain", "strategy": "side-by-side"},
}


class Bed(HandStacks):
    """A standing sandbox, and a way to run and kill migrations of stacks in it."""

    def __init__(self, env: dict[str, str]) -> None:
        super().__init__(env)
        self.runs = KilledRuns(clean_environment(env))


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    programs = install(tmp_path_factory.mktemp("bin"))
    patch = pytest.MonkeyPatch()
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        env["PATH"] = f"{programs}:{os.environ['PATH']}"
        for name, value in env.items():
            patch.setenv(name, value)
        bed = Bed(env)
        yield bed
        bed.runs.close()
        bed.close()
    patch.undo()


def consent(name: str, case: dict[str, str]) -> list[str]:
    """Return the options that approve the run."""
    return ["--yes"] if "strategy" in case else ["--yes", "--allow-delete", name]


def deploying(folder: Path, points: int) -> list[int]:
    """Return the points around every record of a step that deploys, and those beside it."""
    (journal,) = folder.glob(".migrate/*/journal.jsonl")
    steps = [json.loads(line)["step"] for line in journal.read_text("utf-8").splitlines()]
    # Each record is two points, just before it and just after.
    assert len(steps) * 2 == points
    own = [number for number, step in enumerate(steps) if step in STEPS]
    assert {steps[number] for number in own} >= {"create"}
    return sorted({point for number in own for point in range(2 * number, 2 * number + 4)})


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", CASES)
def test_i2_killed_around_any_journal_entry_and_resumed_ends_in_the_same_stack(
    bed: Bed, tmp_path: Path, kind: str, shard: int
) -> None:
    """Every point around a deployment is tried, spread over the shards."""
    case = CASES[kind]
    prefix = f"k{os.getpid()}-{kind}-{shard}"
    name = f"{prefix}-straight"
    spec = bed.prepare(tmp_path / "straight", name, case)
    code, points = bed.runs.run("run", spec, *consent(name, case), cwd=spec.parent, kill_at=None)
    assert code == 0, (spec.parent / "output.txt").read_text("utf-8")
    wanted = bed.state(name, case)
    assert (wanted["held"], len(wanted["items"])) == ([True], COUNT)
    tried = [point for point in deploying(spec.parent, points) if point % SHARDS == shard]
    assert len(tried) > POINTS
    for point in tried:
        name = f"{prefix}-{point}"
        spec = bed.prepare(tmp_path / str(point), name, case)
        code, passed = bed.runs.run(
            "run", spec, *consent(name, case), cwd=spec.parent, kill_at=point
        )
        assert (code, passed) == (-9, point)
        code, _ = bed.runs.run(
            "run", spec, "--resume", *consent(name, case), cwd=spec.parent, kill_at=None
        )
        assert code == 0, (point, (spec.parent / "output.txt").read_text("utf-8"))
        assert bed.state(name, case) == wanted, point
