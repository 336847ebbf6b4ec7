"""What may happen around the deployments of a run, by a stand-in for the CDK command line."""

import json
import os
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import MIGRATE, SPECS, Ended, clean_environment, migrate, standing_sandbox
from support.hand_stacks import COUNT, HandStacks
from support.patience import PATIENCE_SECONDS
from support.quick_cdk import install

NAME = "orders-by-hand"
LEAVE = ("--yes", "--allow-delete", NAME)
RETAINED = {"policy": "Retain"}


class Bed(HandStacks):
    """One stack with its table, and the command in a folder of its own."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        super().__init__(env["AWS_ENDPOINT_URL"])
        self.env = env
        self.folder = folder

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def faults(self, **wanted: Any) -> None:
        place = self.env["AWS_ENDPOINT_URL"] + "/_retable/faults"
        body = json.dumps(wanted).encode()
        with urllib.request.urlopen(place, body) as answer:  # noqa: S310 -- loopback
            assert answer.status == 200

    def described(self) -> Any:
        return self.tables.describe_table(TableName=NAME)["Table"]

    def policy(self) -> str | None:
        try:
            arn = self.described()["TableArn"]
            return str(self.tables.get_resource_policy(ResourceArn=arn)["Policy"])
        except self.tables.exceptions.PolicyNotFoundException:
            return None


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    programs = install(tmp_path / "bin")
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        env["PATH"] = f"{programs}:{os.environ['PATH']}"
        bed = Bed(env, tmp_path)
        yield bed
        bed.close()


def test_a_table_beside_the_old_one_comes_into_the_stack(bed: Bed) -> None:
    case = {"policy": "Retain", "strategy": "side-by-side"}
    spec = bed.prepare(bed.folder / "case", NAME, case)
    before = bed.described()["TableId"]
    ended = bed.migrate("run", spec, "--yes")
    assert ended.code == 0, ended.err
    left = bed.state(NAME, case)
    assert (left["resources"], left["held"]) == (["Old", "Table", "Topic"], [True])
    assert len(left["items"]) == COUNT
    assert bed.described()["TableId"] == before


def test_an_empty_table_that_a_rolled_back_creation_left_is_taken_away_before_the_next(
    bed: Bed,
) -> None:
    spec = bed.prepare(bed.folder / "case", NAME, RETAINED, late=True)
    bed.faults(stack_failures=[{"resource": "Late", "reason": "no room", "times": 1}])
    stopped = bed.migrate("run", spec, *LEAVE)
    assert stopped.code == 3, stopped.err
    assert "no room" in stopped.err
    left = bed.described()
    assert left["KeySchema"][0]["AttributeName"] == "customer"
    ended = bed.migrate("run", spec, "--resume", *LEAVE)
    assert ended.code == 0, ended.err
    assert f"the empty table {NAME} of a rolled-back deployment is deleted" in ended.err
    assert bed.described()["TableId"] != left["TableId"]
    state = bed.state(NAME, RETAINED)
    assert (len(state["items"]), state["held"]) == (COUNT, [True])


def test_a_table_that_cloudformation_gave_up_deleting_is_deleted_by_api(bed: Bed) -> None:
    """UPDATE_COMPLETE is no proof of a deletion: the cleanup gives up after three tries."""
    case = {"policy": "Delete"}
    spec = bed.prepare(bed.folder / "case", NAME, case)
    before = bed.described()["TableId"]
    bed.faults(stack_failures=[{"resource": "Table", "action": "delete", "times": 3}])
    ended = bed.migrate("run", spec, *LEAVE)
    assert ended.code == 0, ended.err
    assert f"CloudFormation left {NAME} behind: it is deleted by API" in ended.err
    assert bed.described()["TableId"] != before
    state = bed.state(NAME, case)
    assert (len(state["items"]), state["held"]) == (COUNT, [True])


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
def test_a_table_of_a_stack_is_replaced_without_a_freeze_where_it_is_named(
    bed: Bed, policy: str
) -> None:
    case = {"policy": policy}
    spec = bed.prepare(bed.folder / "case", NAME, case)
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("strategy: replace", "strategy: replace\n  freeze: none"), "utf-8")
    before = bed.described()["TableId"]
    assert bed.migrate("run", spec, *LEAVE).code == 2
    ended = bed.migrate("run", spec, *LEAVE, "--allow-unfrozen", NAME)
    assert ended.code == 0, ended.err
    state = bed.state(NAME, case)
    assert (len(state["items"]), state["held"], state["policy"]) == (COUNT, [True], None)
    assert bed.described()["TableId"] != before


def stop_at_the_drop(bed: Bed) -> Path:
    """Run up to a drop whose deployment never begins."""
    spec = bed.prepare(bed.folder / "case", NAME, RETAINED)
    cdk = bed.folder / "bin" / "cdk"
    working = cdk.rename(cdk.with_name("working-cdk"))
    refusing = (
        f'case " $* " in *" deploy "*) exit 1;; esac\nexec {shlex.quote(str(working))} "$@"\n'
    )
    cdk.write_text(f"#!/bin/sh\n{refusing}", "utf-8")
    cdk.chmod(0o755)
    stopped = bed.migrate("run", spec, *LEAVE)
    assert stopped.code == 3, stopped.err
    await_event(bed.folder, "drop", "intent")
    working.rename(cdk)
    return spec


def test_i1_a_drop_that_was_stopped_is_proved_again_when_it_is_resumed(bed: Bed) -> None:
    spec = stop_at_the_drop(bed)
    before = bed.described()
    bed.tables.delete_resource_policy(ResourceArn=before["TableArn"])
    ended = bed.migrate("run", spec, "--resume", *LEAVE)
    assert ended.code == 1
    assert f"{NAME} is no longer frozen" in ended.err
    assert bed.described()["TableId"] == before["TableId"]


def test_a_drop_that_never_began_is_rolled_back(bed: Bed) -> None:
    spec = stop_at_the_drop(bed)
    before = bed.described()["TableId"]
    ended = bed.migrate("run", spec, "--abort")
    assert ended.code == 0, ended.err
    assert (bed.described()["TableId"], bed.policy()) == (before, None)


def test_i1_a_deployment_that_would_drop_more_is_refused_before_the_freeze(bed: Bed) -> None:
    spec = bed.prepare(bed.folder / "case", NAME, RETAINED)
    template = spec.parent / "absent" / "Hand.template.json"
    template.write_text('{"Resources": {"Other": {"Type": "AWS::SNS::Topic"}}}', "utf-8")
    ended = bed.migrate("run", spec, *LEAVE)
    assert ended.code == 2
    assert "removed Topic" in ended.err
    assert bed.policy() is None
    assert not list(bed.folder.glob(".migrate/*/journal.jsonl"))


def test_a_saved_plan_is_refused_once_someone_else_has_deployed(bed: Bed) -> None:
    spec = bed.prepare(bed.folder / "case", NAME, RETAINED)
    plan = bed.folder / "plan.json"
    assert bed.migrate("plan", spec, "--out", plan).code == 0
    body = bed.stacks.get_template(StackName=NAME, TemplateStage="Original")["TemplateBody"]
    theirs = {"Theirs": {"Type": "AWS::SNS::Topic", "Properties": {}}}
    whole = {**body, "Resources": {**body["Resources"], **theirs}}
    bed.stacks.update_stack(StackName=NAME, TemplateBody=json.dumps(whole))
    bed.stacks.get_waiter("stack_update_complete").wait(StackName=NAME, WaiterConfig={"Delay": 1})
    ended = bed.migrate("run", spec, "--plan", plan, *LEAVE)
    assert ended.code == 2
    assert "removed Theirs (AWS::SNS::Topic)" in ended.err
    assert bed.policy() is None


def test_abort_before_the_drop_puts_everything_back_and_a_second_runner_is_refused(
    bed: Bed,
) -> None:
    spec = bed.prepare(bed.folder / "case", NAME, RETAINED)
    before = bed.described()["TableId"]
    bed.faults(hold_exports=True)
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [str(MIGRATE), "run", str(spec), *LEAVE],
        cwd=bed.folder,
        env=clean_environment(bed.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    await_event(bed.folder, "export-rehearsal", "started-export")
    second = bed.migrate("run", spec, *LEAVE)
    assert second.code == 3
    assert f"{NAME} is being rebuilt by" in second.err
    bed.faults(hold_exports=False)
    await_event(bed.folder, "export-rehearsal", "done")
    bed.faults(hold_exports=True)
    await_event(bed.folder, "export-final", "started-export")
    assert bed.policy() is not None
    process.send_signal(signal.SIGKILL)
    process.wait()
    ended = bed.migrate("run", spec, "--abort")
    assert ended.code == 0, ended.err
    assert (bed.described()["TableId"], bed.policy()) == (before, None)


def await_event(folder: Path, step: str, event: str) -> None:
    """Wait until a run in the folder has journaled this."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        for journal in folder.glob(".migrate/*/journal.jsonl"):
            for line in journal.read_text("utf-8").splitlines():
                record = json.loads(line)
                if (record["step"], record["event"]) == (step, event):
                    return
        time.sleep(0.02)
    message = f"no {event} of {step}"
    raise AssertionError(message)
