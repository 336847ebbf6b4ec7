"""``migrate doctor``: everything that a run needs is looked at, and nothing is changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from retable.schema import load_spec
from support.command import SPECS, free_port, migrate, standing_sandbox

ORDERS = SPECS / "orders.migrate.yaml"


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    with standing_sandbox(ORDERS) as env:
        yield env


def client(env: dict[str, str], service: str) -> Any:
    return boto3.client(
        service,  # type: ignore[call-overload]  # the name is not known to the checker
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_REGION"],
        aws_access_key_id="READER",
        aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
    )


def test_where_all_is_fine_it_says_so_and_prints_the_policy(
    env: dict[str, str], tmp_path: Path
) -> None:
    ended = migrate("doctor", ORDERS, cwd=tmp_path, env=env)
    assert ended.code == 0, ended.out + ended.err
    for name in ("versions", "identity", "source", "plan", "disk", "bucket", "clock"):
        assert f"ok         {name}: " in ended.out, name
    assert "0 problems, 0 warnings, 1 unknown" in ended.out
    policy = json.loads(ended.out[ended.out.index("\n{") :])
    assert policy["Version"] == "2012-10-17"
    assert not (tmp_path / ".migrate").exists()


def test_json_has_every_permission_and_the_same_policy(env: dict[str, str], tmp_path: Path) -> None:
    state = "s3://acme-exports/state"
    ended = migrate("doctor", ORDERS, "--format", "json", "--state", state, cwd=tmp_path, env=env)
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert (told["format_version"], told["problems"]) == (1, 0)
    keys = {"name", "did", "found", "outcome", "advice"}
    assert all(set(finding) == keys for finding in told["findings"])
    known = {entry["action"]: entry["outcome"] for entry in told["permissions"]}
    assert known["dynamodb:DescribeTable"] == "ok"
    assert known["dynamodb:DeleteTable"] == "unknown"
    written = {
        resource
        for statement in told["policy"]["Statement"]
        if "s3:PutObject" in statement["Action"]
        for resource in statement["Resource"]
    }
    assert written == {"arn:aws:s3:::acme-exports/orders/*", "arn:aws:s3:::acme-exports/state/*"}


def test_what_stands_in_the_way_is_told_all_at_once(env: dict[str, str], tmp_path: Path) -> None:
    s3 = client(env, "s3")
    rules: Any = [
        {
            "ID": "tidy",
            "Status": "Enabled",
            "Filter": {"Prefix": "orders/"},
            "Expiration": {"Days": 7},
        }
    ]
    s3.put_bucket_lifecycle_configuration(
        Bucket="acme-exports", LifecycleConfiguration={"Rules": rules}
    )
    ended = migrate("doctor", ORDERS, "--state", "s3://nobodys", cwd=tmp_path, env=env)
    s3.delete_bucket_lifecycle(Bucket="acme-exports")
    s3.close()
    assert ended.code == 1
    assert "PROBLEM    bucket: checked the lifecycle of objects below orders: " in ended.out
    assert "the lifecycle rule tidy expires them after 7 days" in ended.out
    assert "PROBLEM    state: checked the bucket nobodys: there is none" in ended.out
    assert "= help: " in ended.out


def test_a_spec_of_a_table_that_is_not_there_is_a_problem(
    env: dict[str, str], tmp_path: Path
) -> None:
    spec = tmp_path / "none.migrate.yaml"
    text = ORDERS.read_text("utf-8").replace("table: orders\n", "table: none\n")
    (tmp_path / "seeds").mkdir()
    seeds = load_spec(ORDERS).sandbox
    assert seeds is not None
    assert seeds.seed is not None
    (tmp_path / seeds.seed).write_bytes((SPECS / seeds.seed).read_bytes())
    spec.write_text(text, "utf-8")
    ended = migrate("doctor", spec, cwd=tmp_path, env=env)
    assert ended.code == 1
    assert "the table none does not exist" in ended.out
    assert "without a plan, the needed permissions are unknown" in ended.out


def test_where_aws_cannot_be_asked_it_stops_with_3(tmp_path: Path) -> None:
    nowhere = {
        "AWS_ENDPOINT_URL": f"http://localhost:{free_port()}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    ended = migrate("doctor", ORDERS, cwd=tmp_path, env=nowhere)
    assert ended.code == 3
    assert "PROBLEM    identity: identified the caller with STS: " in ended.out
    assert "AWS could not be reached" in ended.out


def test_a_sandbox_can_be_asked_too(tmp_path: Path) -> None:
    ended = migrate("doctor", ORDERS, "--sandbox", cwd=tmp_path)
    assert ended.code == 0, ended.out + ended.err


def test_a_broken_spec_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.migrate.yaml").write_text("spec: 1\n", "utf-8")
    ended = migrate("doctor", "bad.migrate.yaml", cwd=tmp_path)
    assert ended.code == 2
