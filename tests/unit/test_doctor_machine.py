"""The doctor's checks of this machine, and of a stack."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from retable.runner.aws.session import connect
from retable.runner.doctor.machine import clock, disk, versions
from retable.runner.doctor.resources import stack
from retable.runner.sandbox.server import SandboxServer
from retable.schema import load_spec
from retable.schema.spec import CdkProvision, CdkVariant, Spec
from support.command import SPECS

NOW = datetime(2026, 11, 23, tzinfo=UTC)
PROVISION = CdkProvision(
    app="infra",
    stack="Orders",
    construct="Table",
    absent=CdkVariant(context={}),
    present=CdkVariant(context={}),
)
TEMPLATE = '{"Resources":{"Queue":{"Type":"AWS::SQS::Queue"}}}'


def by_cdk(folder: Path) -> Spec:
    """Return a spec whose table is made by a CDK app in ``folder``."""
    spec = load_spec(SPECS / "orders.migrate.yaml")
    rebuild = replace(spec.rebuild, provision=PROVISION)
    return replace(spec, rebuild=rebuild, origin=replace(spec.origin, folder=folder))


@pytest.mark.parametrize(
    ("apart", "outcome"), [(0, "ok"), (-60, "ok"), (61, "warning"), (-301, "problem")]
)
def test_a_clock_that_is_off_is_reported(apart: int, outcome: str) -> None:
    assert clock(NOW + timedelta(seconds=apart), NOW).outcome == outcome


def test_disk_space_is_needed_for_ledgers_and_for_the_spool(tmp_path: Path) -> None:
    assert disk(tmp_path / "not-yet", 1_000, 10**6, 10**6).outcome == "ok"
    assert disk(tmp_path, 1_000, 10**18, 10**6).outcome == "ok"
    assert disk(tmp_path, 1_000, 10**18, 10**18).outcome == "problem"
    assert disk(tmp_path, 10**15, 0, 0).outcome == "problem"


def test_a_spec_without_the_cdk_needs_no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = list(versions(load_spec(SPECS / "orders.migrate.yaml")))
    assert [finding.outcome for finding in found] == ["ok"]
    assert "boto3 " in found[0].found


def test_the_cdk_is_looked_for_beside_the_app_and_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    missing = [finding for finding in versions(by_cdk(tmp_path)) if finding.name == "cdk"]
    assert [finding.outcome for finding in missing] == ["problem"] * 3
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "cdk.json").write_text("{}")
    commands = {"bin/node": "v22.1.0", "node_modules/.bin/cdk": "2.1148.1 (build 1a)\nmore"}
    for name, says in commands.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\ncat <<'X'\n{says}\nX\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), "/bin", "/usr/bin"]))
    found = [finding for finding in versions(by_cdk(tmp_path)) if finding.name == "cdk"]
    assert [finding.outcome for finding in found] == ["ok"] * 3
    assert found[1].found.endswith("is v22.1.0")
    assert found[2].found == f"{tmp_path}/node_modules/.bin/cdk is 2.1148.1 (build 1a)"


def test_a_stack_must_exist_and_be_ready() -> None:
    with SandboxServer() as server:
        aws = connect("eu-west-1", environ=server.environment())
        assert (stack(PROVISION, aws).outcome, stack(PROVISION, aws).found) == (
            "problem",
            "there is none",
        )
        cloudformation: Any = boto3.client(
            "cloudformation",
            endpoint_url=server.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        cloudformation.create_stack(StackName="Orders", TemplateBody=TEMPLATE)
        found = stack(PROVISION, aws)
        cloudformation.close()
    assert (found.outcome, found.found) == ("ok", "CREATE_COMPLETE")
