"""Bad input: one clear message, the right exit code, no traceback, nothing deleted."""

import shutil
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from support.command import SPECS, migrate, standing_sandbox
from support.hand_stacks import HandStacks

ORDERS = (SPECS / "orders.migrate.yaml").read_text("utf-8")
LEAVE = ("--yes", "--allow-delete", "orders")
VAULT = "backup: {with: aws-backup, vault: v, role: 'arn:aws:iam::111122223333:role/backup'}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("spec: [1\n", "YAML"),
        ("- spec: 1\n", "mapping"),
        (ORDERS + "\nsurce: {}\n", "source"),
        (ORDERS.replace("name: customer_id, type: S", "name: customer_id, type: X"), "S, N or B"),
    ],
    ids=["an empty file", "invalid YAML", "a list", "an unknown key", "an impossible key type"],
)
def test_a_file_that_is_no_spec_exits_2(tmp_path: Path, text: str, said: str) -> None:
    spec = tmp_path / "bad.migrate.yaml"
    spec.write_text(text, "utf-8")
    ended = migrate("run", spec, *LEAVE, cwd=tmp_path)
    assert ended.code == 2
    assert said in ended.err
    assert "bad.migrate.yaml" in ended.err
    assert not (tmp_path / ".migrate").exists()


def test_a_missing_file_exits_2(tmp_path: Path) -> None:
    ended = migrate("run", "nowhere.migrate.yaml", *LEAVE, cwd=tmp_path)
    assert ended.code == 2
    assert "nowhere.migrate.yaml" in ended.err


def test_a_directory_exits_2(tmp_path: Path) -> None:
    ended = migrate("run", tmp_path, *LEAVE, cwd=tmp_path)
    assert ended.code == 2
    assert "director" in ended.err


def test_an_unreachable_endpoint_exits_3(tmp_path: Path) -> None:
    env = {
        "AWS_ENDPOINT_URL": "http://localhost:9",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    ended = migrate("run", SPECS / "orders.migrate.yaml", *LEAVE, cwd=tmp_path, env=env)
    assert ended.code == 3
    assert "localhost:9" in ended.err


def test_absent_credentials_exit_3(tmp_path: Path) -> None:
    env = {"AWS_ENDPOINT_URL": "http://localhost:9", "HOME": str(tmp_path)}
    ended = migrate("run", SPECS / "orders.migrate.yaml", *LEAVE, cwd=tmp_path, env=env)
    assert ended.code == 3
    assert "credentials" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--yes",), "--allow-delete orders"),
        (("--yes", "--allow-delete", "other"), "--allow-delete orders"),
        (("--allow-delete", "orders"), "--yes"),
        ((*LEAVE, "--sandbox", "--resume"), "--sandbox"),
        ((*LEAVE, "--engine", "spark"), "spark"),
    ],
)
def test_a_run_that_cannot_be_meant_exits_2(
    tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    ended = migrate("run", SPECS / "orders.migrate.yaml", *options, cwd=tmp_path)
    assert ended.code == 2
    assert said in ended.err
    assert not (tmp_path / ".migrate").exists()


READERS = "Effect: Allow, Principal: '*', Action: 'dynamodb:GetItem'"
OTHERS = "'arn:aws:dynamodb:eu-west-1:123456789012:table/others'"


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("{Effect: Allow, Action: 'dynamodb:GetItem', Resource: '*'}", "needs Principal"),
        (f"{{{READERS}, Resource: {OTHERS}}}", "table/orders; found arn:aws:dynamodb"),
    ],
    ids=["no principal", "another table"],
)
def test_i1_a_policy_that_could_not_be_put_is_refused_while_the_table_is_there(
    tmp_path: Path, statement: str, said: str
) -> None:
    spec = tmp_path / "policy.migrate.yaml"
    policy = f"settings: {{policy: {{Version: '2012-10-17', Statement: [{statement}]}}}}"
    own = ORDERS.partition("\nsandbox:")[0].replace("settings: keep", policy)
    spec.write_text(own, "utf-8")
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        bed = HandStacks(env["AWS_ENDPOINT_URL"])
        before = bed.tables.describe_table(TableName="orders")["Table"]
        for command in (("plan",), ("run", *LEAVE)):
            ended = migrate(*command, spec, cwd=tmp_path, env=env)
            assert ended.code == 2, ended.err
            assert said in ended.out + ended.err
        assert bed.tables.describe_table(TableName="orders")["Table"] == before
        with pytest.raises(ClientError, match="PolicyNotFoundException"):
            bed.tables.get_resource_policy(ResourceArn=before["TableArn"])
        assert bed.tables.list_backups(TableName="orders")["BackupSummaries"] == []
        bed.close()


def test_what_is_not_supported_yet_is_listed_by_plan_and_refused_by_run_with_exit_2(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "later.migrate.yaml"
    shutil.copytree(SPECS / "seeds", tmp_path / "seeds")
    spec.write_text(ORDERS.replace("backup: on-demand", VAULT), "utf-8")
    ran = migrate("run", spec, *LEAVE, "--sandbox", cwd=tmp_path)
    assert ran.code == 2, ran.err
    assert "rebuild.backup.with: aws-backup" in ran.err
    assert not (tmp_path / ".migrate").exists()
    planned = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert planned.code == 0, planned.err
    assert "! rebuild.backup.with: aws-backup" in planned.out
