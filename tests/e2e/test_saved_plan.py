"""A plan that is kept in a file and carried out later, through the installed command."""

import json
from pathlib import Path

import boto3

from support.command import SPECS, migrate, standing_sandbox

ORDERS = SPECS / "orders.migrate.yaml"
PRODUCTS = SPECS / "products.migrate.yaml"
LEAVE = ("--yes", "--allow-delete", "orders")


def test_a_kept_plan_is_carried_out_once(tmp_path: Path) -> None:
    with standing_sandbox(ORDERS) as env:
        planned = migrate(
            *("plan", ORDERS, "--out", "p.json", "--detailed-exitcode"),
            cwd=tmp_path,
            env={**env, "GITHUB_OUTPUT": "out", "GITHUB_STEP_SUMMARY": "summary"},
        )
        assert planned.code == 10, planned.err
        assert planned.out.endswith(
            "This plan can be applied once, and only while the inputs above stay the same.\n\n"
            f"  migrate run {ORDERS} --allow-delete orders --plan p.json\n"
        )
        plan = json.loads((tmp_path / "p.json").read_bytes())
        assert (tmp_path / "out").read_text() == (
            f"has_changes=true\nfingerprint={plan['fingerprint']}\n"
        )
        assert (tmp_path / "summary").read_text().startswith("### migrate plan\n\n```text\nPlan ")
        ran = migrate("run", ORDERS, "--plan", "p.json", *LEAVE, cwd=tmp_path, env=env)
        assert ran.code == 0, ran.err
        again = migrate("run", ORDERS, "--plan", "p.json", *LEAVE, cwd=tmp_path, env=env)
        assert again.code == 4
        assert again.err.startswith("error: p.json was used already, by run ")
        # On another machine no run folder tells; the table that is gone does.
        elsewhere = migrate(
            *("run", ORDERS, "--plan", "p.json", *LEAVE, "--run-dir", "elsewhere"),
            cwd=tmp_path,
            env=env,
        )
        assert elsewhere.code == 4
        assert "p.json is out of date; changed since: the source's TableId: " in elsewhere.err
        assert not (tmp_path / "elsewhere").exists()
        nothing = migrate("plan", ORDERS, "--detailed-exitcode", cwd=tmp_path, env=env)
        assert nothing.code == 0
        assert "there is nothing to do" in nothing.out


def test_a_kept_plan_says_what_moved(tmp_path: Path) -> None:
    with standing_sandbox(PRODUCTS) as env:
        planned = migrate("plan", PRODUCTS, "--out", "p.json", cwd=tmp_path, env=env)
        assert planned.code == 0, planned.err
        client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id="APPLICATION",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        client.update_time_to_live(
            TableName="products",
            TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
        )
        ran = migrate("run", PRODUCTS, "--plan", "p.json", "--yes", cwd=tmp_path, env=env)
        assert ran.code == 4
        assert "changed since: the source's ttl" in ran.err
        assert not (tmp_path / ".migrate").exists()
