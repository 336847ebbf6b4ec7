"""Deploying an assembly: what stops it, what repeats it, what an interruption leaves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from retable.runner.cdk.assembly import read_assembly
from retable.runner.cdk.cdk_cli import Deployment
from retable.runner.cdk.deploy import Done, Goal, Tools, deploy
from retable.runner.cdk.digest import digest, template_digest
from retable.runner.cdk.locate import find_stack
from retable.runner.cdk.stacks import Stacks
from retable.runner.cdk.template import Template
from retable.runner.failure import CheckFailed, Stale, Stopped
from retable.runner.progress import NoProgress
from support.assemblies import CASES, ORDERS, orders
from support.fake_cdk import FakeCdk, opened
from support.fake_stacks import FakeCloudFormation
from support.sandboxes import ManualClock

BEFORE, AFTER = orders("by-id").template, orders("absent").template


class Notes(NoProgress):
    """Keeps what is reported."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def note(self, text: str) -> None:
        self.told.append(text)


class InterruptedClock(ManualClock):
    """A clock whose reader gets Ctrl-C as soon as a condition is true."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupts: Callable[[], bool] = lambda: False

    def monotonic(self) -> float:
        if self.interrupts():
            raise KeyboardInterrupt
        return super().monotonic()


class Bench:
    """A deployment of the absent template over the first one, with everything it needs."""

    def __init__(self, folder: Path, **wanted: Any) -> None:
        self.program = FakeCdk(folder / "bin", **wanted)
        self.clock = InterruptedClock()
        self.cloud = FakeCloudFormation()
        self.cloud.deployed(BEFORE)
        self.cloud.event("Earlier", "CREATE_FAILED", "another day's failure")
        self.cloud.begun = lambda: self.deployments > 0
        self.notes = Notes()
        cdk = opened(folder, self.program, self.clock)
        stacks = Stacks(self.cloud)
        self.tools = Tools(cdk=cdk, stacks=stacks, clock=self.clock, progress=self.notes)
        assembly = read_assembly(CASES / "absent")
        stack = find_stack(assembly, "OrdersStack")
        self.goal = Goal(
            deployment=Deployment(assembly=assembly, stack=stack, change_set="retable-1-absent"),
            digest=digest(assembly, stack),
            before=template_digest(BEFORE),
        )

    @property
    def deployments(self) -> int:
        """Return how often the command line was called to change something."""
        commands = [call["arguments"][0] for call in self.program.calls]
        return commands.count("deploy") + commands.count("import")

    def becomes(self, status: str, template: Template | None = None) -> Callable[[], None]:
        """Return what makes the stack so."""

        def act() -> None:
            self.cloud.status = status
            if template is not None:
                self.cloud.deployed(template)

        return act

    def go(self, *, begun: bool = False) -> Done:
        """Deploy the goal."""
        return deploy(self.goal, self.tools, begun=begun)


def test_a_deployment_is_followed_until_the_stack_has_its_template(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.script = [
        bench.becomes("UPDATE_IN_PROGRESS"),
        lambda: bench.cloud.event(ORDERS, "DELETE_COMPLETE"),
        bench.becomes("UPDATE_COMPLETE", AFTER),
    ]
    done = bench.go()
    assert (done.outcome, done.stack_id) == ("deployed", bench.cloud.arn())
    assert done.template == template_digest(AFTER)
    assert bench.notes.told == [f"{ORDERS} (AWS::DynamoDB::Table) DELETE_COMPLETE"]


def test_what_is_already_deployed_is_left_unchanged(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.deployed(AFTER)
    assert bench.go().outcome == "already"
    assert bench.go(begun=True).outcome == "already"
    assert bench.deployments == 0


def test_an_operation_that_continued_without_the_runner_is_awaited(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.status = "UPDATE_IN_PROGRESS"
    bench.cloud.deployed(AFTER)
    bench.cloud.begun = lambda: True
    bench.cloud.script = [lambda: None, lambda: None, bench.becomes("UPDATE_COMPLETE")]
    assert bench.go(begun=True).outcome == "already"
    assert bench.deployments == 0
    assert bench.notes.told[0] == (
        "the stack OrdersStack is UPDATE_IN_PROGRESS: waiting for it to end"
    )


def test_a_command_killed_before_it_began_anything_is_run_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.script = [bench.becomes("UPDATE_COMPLETE", AFTER)]
    assert bench.go(begun=True).outcome == "deployed"
    assert bench.deployments == 1


def test_an_operation_that_failed_without_the_runner_is_reported_before_it_is_repeated(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    bench.cloud.status = "UPDATE_IN_PROGRESS"
    bench.cloud.begun = lambda: True
    bench.cloud.script = [
        *(lambda: None for _ in range(3)),
        lambda: bench.cloud.event(ORDERS, "DELETE_FAILED", "protected"),
        bench.becomes("UPDATE_ROLLBACK_COMPLETE"),
    ]
    with pytest.raises(Stopped, match=r"failed and was rolled back: .* DELETE_FAILED: protected"):
        bench.go(begun=True)
    assert bench.deployments == 0
    bench.cloud.script = [lambda: None, lambda: None, bench.becomes("UPDATE_COMPLETE", AFTER)]
    assert bench.go(begun=True).outcome == "deployed"


def test_a_failure_before_the_resume_is_reported_and_no_older_one(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path)
    own = {"PhysicalResourceId": bench.cloud.arn()}
    bench.cloud.event("OrdersStack", "UPDATE_IN_PROGRESS", **own)
    bench.cloud.event(ORDERS, "UPDATE_FAILED", "long ago")
    bench.cloud.event("OrdersStack", "UPDATE_ROLLBACK_COMPLETE", **own)
    bench.cloud.event("OrdersStack", "UPDATE_IN_PROGRESS", **own)
    bench.cloud.event(ORDERS, "DELETE_FAILED", "protected")
    bench.cloud.event("OrdersStack", "UPDATE_ROLLBACK_IN_PROGRESS", **own)
    bench.cloud.status = "UPDATE_ROLLBACK_IN_PROGRESS"
    bench.cloud.begun = lambda: True
    bench.cloud.script = [lambda: None, lambda: None, bench.becomes("UPDATE_ROLLBACK_COMPLETE")]
    with pytest.raises(Stopped, match=r"failed and was rolled back: .* DELETE_FAILED: protected"):
        bench.go(begun=True)
    assert bench.deployments == 0


def test_a_stack_that_someone_else_deploys_is_not_touched(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.status = "UPDATE_IN_PROGRESS"
    with pytest.raises(Stopped, match="is UPDATE_IN_PROGRESS: someone else is deploying it"):
        bench.go()
    assert bench.deployments == 0


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        ("UPDATE_ROLLBACK_FAILED", "ContinueUpdateRollback"),
        ("REVIEW_IN_PROGRESS", "it has only a change set"),
        ("ROLLBACK_COMPLETE", "delete the stack"),
    ],
)
def test_a_stuck_stack_is_not_touched_and_its_cure_is_reported(
    status: str, hint: str, tmp_path: Path
) -> None:
    bench = Bench(tmp_path)
    bench.cloud.status = status
    with pytest.raises(Stopped, match=f"the stack OrdersStack is {status}") as caught:
        bench.go()
    assert hint in str(caught.value.hint)
    assert bench.deployments == 0


def test_an_assembly_that_changed_since_the_plan_is_not_deployed(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.goal = replace(bench.goal, digest="0" * 64)
    with pytest.raises(Stale, match="is not the one that the plan was made from"):
        bench.go()
    assert bench.deployments == 0


def test_a_stack_that_was_deployed_since_the_plan_is_not_touched(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.deployed(orders("by-customer").template)
    with pytest.raises(Stale, match="was deployed with another template since the plan"):
        bench.go()
    bench.goal = replace(bench.goal, before=None)
    with pytest.raises(Stale, match="exists, and it did not when the plan was made"):
        bench.go()
    bench.cloud.status = None
    bench.goal = replace(bench.goal, before="0" * 64)
    with pytest.raises(Stale, match="the stack OrdersStack does not exist, and it did"):
        bench.go()
    assert bench.deployments == 0


def test_an_absent_stack_is_created(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.cloud.status = None
    bench.goal = replace(bench.goal, before=None)
    bench.cloud.script = [bench.becomes("CREATE_COMPLETE", AFTER)]
    assert bench.go().outcome == "deployed"


def test_a_failed_deployment_names_the_resource_that_failed_first_and_why(tmp_path: Path) -> None:
    bench = Bench(tmp_path, exit=1, say=["deploy failed"])
    bench.cloud.script = [
        lambda: bench.cloud.event("Other", "UPDATE_FAILED", "Resource update cancelled"),
        lambda: bench.cloud.event(ORDERS, "CREATE_FAILED", "orders already exists"),
        bench.becomes("UPDATE_ROLLBACK_COMPLETE"),
    ]
    bench.cloud.status = "UPDATE_COMPLETE"
    bench.cloud.script[0:0] = [bench.becomes("UPDATE_IN_PROGRESS")]
    with pytest.raises(Stopped) as caught:
        bench.go()
    assert caught.value.message == (
        "the deployment of OrdersStack failed and was rolled back: "
        f"{ORDERS} (AWS::DynamoDB::Table) CREATE_FAILED: orders already exists"
    )
    assert caught.value.hint == "fix the cause, then resume"


def test_a_deployment_that_leaves_the_stack_stuck_says_how_and_what_helps(tmp_path: Path) -> None:
    bench = Bench(tmp_path, exit=1)
    bench.cloud.script = [
        lambda: bench.cloud.event(ORDERS, "DELETE_FAILED", "protected"),
        bench.becomes("UPDATE_ROLLBACK_FAILED"),
    ]
    bench.cloud.script[0:0] = [bench.becomes("UPDATE_IN_PROGRESS")]
    with pytest.raises(Stopped, match="and the stack is UPDATE_ROLLBACK_FAILED: ") as caught:
        bench.go()
    assert "ContinueUpdateRollback" in str(caught.value.hint)


def test_a_command_that_fails_before_cloudformation_is_reported_with_its_last_lines(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, exit=1, say=["SSM parameter /cdk-bootstrap/x/version not found"])
    with pytest.raises(Stopped, match=r"exit code 1: SSM parameter .* not found") as caught:
        bench.go()
    assert str(caught.value.hint).endswith("logs/retable-1-absent.log")


def test_a_failed_command_counts_as_done_if_the_stack_has_its_template(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, exit=1, say=["socket hang up"])
    bench.cloud.script = [
        bench.becomes("UPDATE_IN_PROGRESS"),
        bench.becomes("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", AFTER),
        bench.becomes("UPDATE_COMPLETE"),
    ]
    assert bench.go().outcome == "deployed"


def test_a_command_that_succeeds_and_changes_nothing_is_a_failure(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    with pytest.raises(CheckFailed, match="does not have the template that was deployed"):
        bench.go()


def test_an_interruption_says_that_cloudformation_continues(tmp_path: Path) -> None:
    bench = Bench(tmp_path, hang="loudly")
    bench.clock.interrupts = lambda: bool(bench.program.pids)
    with pytest.raises(KeyboardInterrupt):
        bench.go()
    assert bench.notes.told == ["CloudFormation continues with OrdersStack if it has begun"]


def test_an_import_is_reached_once_the_stack_has_the_table(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    assembly = read_assembly(CASES / "by-customer")
    stack = find_stack(assembly, "OrdersStack")
    deployment = Deployment(assembly=assembly, stack=stack, change_set="retable-1-import")
    imports = {ORDERS: {"TableName": "orders"}}
    bench.cloud.deployed(AFTER)
    bench.goal = Goal(
        deployment=deployment,
        digest=digest(assembly, stack),
        before=template_digest(AFTER),
        imports=imports,
    )
    table = [(ORDERS, "AWS::DynamoDB::Table", "orders")]
    bench.cloud.script = [lambda: bench.cloud.resources.update(OrdersStack=table)]
    assert bench.go().outcome == "deployed"
    assert bench.program.calls[-1]["arguments"][0] == "import"
    names = tmp_path / "logs" / "retable-1-import.import.json"
    assert names.read_text("utf-8") == f'{{"{ORDERS}": {{"TableName": "orders"}}}}'
    assert bench.go(begun=True).outcome == "already"
    assert bench.deployments == 1
