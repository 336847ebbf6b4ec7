"""What a plan needs: every kind of step has its actions, and a run calls nothing beyond them."""

import fnmatch
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from retable.runner.aws.session import Aws
from retable.runner.aws.state_address import parse_address
from retable.runner.doctor.grants import STEPS, WRITES
from retable.runner.doctor.iam_policy import smallest_policy
from retable.runner.doctor.needs import Need, needs_of
from retable.runner.plan.plan import Step
from retable.runner.plan.target_steps import LoadItems
from support.attached import attach_all, scaled_spec
from support.command import SPECS
from support.worlds import Run, running

OTHER_NAMES = {
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:DeleteObjects": ("s3:DeleteObject",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:UploadPart": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "sts:GetCallerIdentity": (),
}
"""Calls whose permission has another name, or that need none."""
SERVICES = {"application-auto-scaling": "application-autoscaling", "cloudwatch-logs": "logs"}
LOADING = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {{kind: {kind}, location: s3://acme-exports/t/}}
target:
  table: things-new
  key: {{partition: {{name: n, type: N}}}}
  nonempty: {nonempty}
load: {load}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""


def actions_of(calls: list[tuple[str, str]]) -> set[str]:
    """Return the permissions that calls need."""
    names = (f"{SERVICES.get(service, service)}:{operation}" for service, operation in calls)
    return {action for name in names for action in OTHER_NAMES.get(name, (name,))}


def test_every_kind_of_step_has_its_actions() -> None:
    assert set(STEPS) == set(get_args(Step))
    assert set(WRITES) == set(get_args(LoadItems.__annotations__["on_conflict"]))


def carried_out(run: Run, calls: list[tuple[str, str]]) -> None:
    """Carry a run out and compare its calls with what its plan needs."""
    run.finish()
    needs = needs_of(run.world.plan, run.world.spec)
    asked = actions_of(calls)
    assert len(asked) > 8
    assert asked <= {need.action for need in needs}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Return a list of the calls of every AWS session that is opened from here on."""
    heard: list[tuple[str, str]] = []
    begin = Aws.__init__

    def listening(self: Aws, *arguments: Any, **named: Any) -> None:
        begin(self, *arguments, **named)
        self.on_answer(lambda told: heard.append((told.service, told.operation)))

    monkeypatch.setattr(Aws, "__init__", listening)
    return heard


@pytest.mark.parametrize("name", ["orders", "products"])
def test_a_run_of_an_example_calls_nothing_that_its_plan_does_not_need(
    name: str, tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    with running(SPECS / f"{name}.migrate.yaml", tmp_path) as run:
        carried_out(run, calls)


@pytest.mark.parametrize(
    ("kind", "load"),
    [
        ("native", "{with: bulk-put}"),
        ("native", "{with: import-table}"),
        ("scan", "{on_conflict: keep}"),
    ],
)
def test_a_run_by_any_loader_calls_nothing_that_its_plan_does_not_need(
    kind: str, load: str, tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(20))
    (tmp_path / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = tmp_path / "things.migrate.yaml"
    nonempty = "accept" if "on_conflict" in load else "refuse"
    spec.write_text(LOADING.format(kind=kind, load=load, nonempty=nonempty), "utf-8")
    with running(spec, tmp_path) as run:
        carried_out(run, calls)
        loads = [step for step in run.world.plan.steps if isinstance(step, LoadItems)]
        needed = {need.action for need in needs_of(run.world.plan, run.world.spec)}
        keeps = bool(loads) and loads[0].on_conflict == "keep"
        assert ("dynamodb:PutItem" in needed) == keeps


def test_attaching_again_calls_nothing_that_its_plan_does_not_need(
    tmp_path: Path, calls: list[tuple[str, str]]
) -> None:
    with running(scaled_spec(tmp_path), tmp_path, before=attach_all) as run:
        carried_out(run, calls)
        needed = {need.action: need.resource for need in needs_of(run.world.plan, run.world.spec)}
    assert needed["dynamodb:UpdateContributorInsights"].endswith("table/orders-v2/index/*")
    assert needed["kinesis:PutRecords"].endswith(":stream/*")


def test_what_is_needed_is_on_this_table_and_this_bucket_only(tmp_path: Path) -> None:
    with running(SPECS / "orders.migrate.yaml", tmp_path) as run:
        state = parse_address("s3://acme-runs/prod?kms-key=arn:aws:kms:eu-west-1:1:key/k")
        needs = needs_of(run.world.plan, run.world.spec, state)
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/orders"
    assert Need("dynamodb:DeleteTable", table) in needs
    assert Need("dynamodb:DescribeBackup", f"{table}/backup/*") in needs
    assert Need("s3:GetObject", "arn:aws:s3:::acme-exports/orders/*") in needs
    assert Need("s3:PutObject", "arn:aws:s3:::acme-runs/prod/*") in needs
    assert Need("kms:GenerateDataKey", "arn:aws:kms:eu-west-1:1:key/k") in needs
    anything = {need.action for need in needs if need.resource == "*"}
    assert anything == {
        "application-autoscaling:DescribeScalableTargets",
        "application-autoscaling:DescribeScalingPolicies",
        "application-autoscaling:DescribeScheduledActions",
        "dynamodb:ListBackups",
    }
    others = {need.resource for need in needs if need.resource != "*"}
    assert all("orders" in name or "acme-" in name or ":key/k" in name for name in others)


def test_the_policy_allows_each_need_and_nothing_else() -> None:
    needs = [
        Need("dynamodb:Scan", "arn:a"),
        Need("dynamodb:Scan", "arn:b"),
        Need("dynamodb:DescribeTable", "arn:b"),
        Need("dynamodb:DescribeTable", "arn:a"),
        Need("dynamodb:DeleteTable", "arn:a"),
        Need("dynamodb:ListBackups", "*"),
    ]
    document = smallest_policy(needs)
    assert document["Version"] == "2012-10-17"
    assert document["Statement"] == [
        {"Effect": "Allow", "Action": ["dynamodb:ListBackups"], "Resource": ["*"]},
        {"Effect": "Allow", "Action": ["dynamodb:DeleteTable"], "Resource": ["arn:a"]},
        {
            "Effect": "Allow",
            "Action": ["dynamodb:DescribeTable", "dynamodb:Scan"],
            "Resource": ["arn:a", "arn:b"],
        },
    ]
    assert {need for need in needs if not allowed(document, need)} == set()


def allowed(document: Mapping[str, Any], need: Need) -> bool:
    """Return whether a policy document allows a need."""
    return any(
        need.action in statement["Action"]
        and any(fnmatch.fnmatch(need.resource, name) for name in statement["Resource"])
        for statement in document["Statement"]
    )
