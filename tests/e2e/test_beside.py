"""A run beside the source that goes wrong: what it says, and what ``--abort`` leaves behind."""

import json
from pathlib import Path

import boto3

from support.command import SPECS, migrate, standing_sandbox


def frozen_beside(folder: Path) -> Path:
    """Return the example beside its source, frozen, with a query that does not hold."""
    text = (SPECS / "orders.migrate.yaml").read_text("utf-8")
    text = text.replace("strategy: replace", "strategy: side-by-side")
    text = text.replace("target:\n  table: orders", "target:\n  table: orders-v2")
    text = text.replace("expect: 0", "expect: 1", 1)
    spec = folder / "beside.migrate.yaml"
    spec.write_text(text.partition("sandbox:")[0], "utf-8")
    return spec


def test_i8_a_failed_run_beside_a_frozen_source_names_what_it_leaves_behind(tmp_path: Path) -> None:
    spec = frozen_beside(tmp_path)
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id="RUNNER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        arn = client.describe_table(TableName="orders")["Table"]["TableArn"]
        failed = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        held = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])
        aborted = migrate("run", spec, "--abort", cwd=tmp_path, env=env)
        item = client.scan(TableName="orders", Limit=1)["Items"][0]
        client.put_item(TableName="orders", Item=item)
        assert client.describe_table(TableName="orders-v2")["Table"]["TableStatus"] == "ACTIVE"
        client.close()
    assert failed.code == 1
    assert "orders stays frozen until --abort" in failed.err
    assert "RetableFreeze" in [statement.get("Sid") for statement in held["Statement"]]
    assert aborted.code == 0, aborted.err
    assert "ended; orders is unchanged" in aborted.err
    assert "orders-v2, which the run created, holds what was loaded so far" in aborted.err
