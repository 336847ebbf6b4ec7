"""Runs kept in S3: two runners at once, a lock that is lost, and machines that know nothing."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.command import MIGRATE, SPECS, Ended, clean_environment, migrate, standing_sandbox
from support.patience import PATIENCE_SECONDS

BUCKET = "acme-exports"
COUNT = 60
SPEC = """
spec: 1
name: {name}
source:
  table: {name}
  region: eu-west-1
  export: {{kind: scan}}
target:
  table: {name}-new
  key: {{partition: {{name: n, type: N}}}}
load: {{rate: {rate}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: things.jsonl
"""


class Bed:
    """A standing sandbox."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        keys = {"aws_access_key_id": "READER", "aws_secret_access_key": "secret"}
        place = {"endpoint_url": env["AWS_ENDPOINT_URL"], "region_name": env["AWS_REGION"]}
        self.s3: Any = boto3.client("s3", **place, **keys)  # type: ignore[call-overload]  # settings as a map
        self.dynamodb: Any = boto3.client("dynamodb", **place, **keys)  # type: ignore[call-overload]  # settings as a map

    def prepare(self, folder: Path, name: str, *, rate: int = 1_000) -> Path:
        """Seed a table of its own and write its spec."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}},"n":{{"N":"{n}"}}}}}}\n' for n in range(COUNT))
        (folder / "things.jsonl").write_text("".join(lines), "utf-8")
        spec = folder / "things.migrate.yaml"
        spec.write_text(SPEC.format(name=name, rate=rate), "utf-8")
        seed(self.env["AWS_ENDPOINT_URL"], load_spec(spec), deploy_app)
        return spec

    def count(self, table: str) -> int:
        """Return how many items a table has."""
        return int(self.dynamodb.scan(TableName=table, ConsistentRead=True)["Count"])

    def run_id(self, name: str) -> str:
        """Return the id of the only run below a prefix."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/runs/", Delimiter="/")
        (only,) = found["CommonPrefixes"]
        return str(only["Prefix"].rstrip("/").rpartition("/")[2])

    def events(self, name: str) -> list[str]:
        """Return what the journal in S3 tells, as ``step/event``."""
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/runs/")
        keys = [entry["Key"] for entry in found.get("Contents", ()) if "/journal/" in entry["Key"]]
        records = (
            json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()) for key in keys
        )
        return [f"{record['step']}/{record['event']}" for record in records]


@pytest.fixture(scope="module")
def bed() -> Iterator[Bed]:
    patch = pytest.MonkeyPatch()
    with standing_sandbox(SPECS / "orders.migrate.yaml") as env:
        for name, value in env.items():
            patch.setenv(name, value)
        bed = Bed(env)
        yield bed
        bed.s3.close()
        bed.dynamodb.close()
    patch.undo()


@contextmanager
def loading(bed: Bed, spec: Path, name: str, cwd: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a migration in a process of its own and yield it while it loads."""
    cwd.mkdir()
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [str(MIGRATE), "run", str(spec), "--yes", "--state", f"s3://{BUCKET}/{name}"],
        cwd=cwd,
        env=clean_environment(bed.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while "load/begun" not in bed.events(name):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def on_another(bed: Bed, folder: Path, *arguments: str | Path) -> Ended:
    """Run ``migrate`` on a machine that has nothing but the spec."""
    folder.mkdir(exist_ok=True)
    return migrate(*arguments, cwd=folder, env=bed.env)


def test_a_second_runner_is_refused_and_the_run_of_the_first_is_resumed_elsewhere(
    bed: Bed, tmp_path: Path
) -> None:
    name = "two-runners"
    spec = bed.prepare(tmp_path / "spec", name, rate=2)
    state = ["--state", f"s3://{BUCKET}/{name}"]
    with loading(bed, spec, name, tmp_path / "first") as first:
        second = on_another(bed, tmp_path / "second", "run", spec, "--resume", "--yes", *state)
        assert second.code == 3
        assert f"{name}-new is being rebuilt by run {bed.run_id(name)} on " in second.err
        assert f"(process {first.pid}) since 20" in second.err
        assert "its last heartbeat was " in second.err
        first.send_signal(signal.SIGINT)
        out, _ = first.communicate(timeout=PATIENCE_SECONDS)
        assert first.returncode == 130
        assert f"--resume --run {bed.run_id(name)} --state s3://{BUCKET}/{name}" in out
    assert bed.count(f"{name}-new") < COUNT
    ended = on_another(
        bed, tmp_path / "third", "run", spec, "--resume", "--run", bed.run_id(name), "--yes", *state
    )
    assert ended.code == 0, ended.err
    assert bed.count(f"{name}-new") == COUNT


def test_a_runner_that_lost_its_lock_stops_and_leaves_the_rest_to_the_other(
    bed: Bed, tmp_path: Path
) -> None:
    name = "lost-lock"
    spec = bed.prepare(tmp_path / "spec", name, rate=1)
    with loading(bed, spec, name, tmp_path / "first") as first:
        key = f"{name}/locks/123456789012/eu-west-1/{name}-new.json"
        # What another runner does once the lock is stale: nobody waits for that here.
        mine = json.loads(bed.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        bed.s3.put_object(
            Bucket=BUCKET, Key=key, Body=json.dumps({**mine, "owner": "me", "token": 2}).encode()
        )
        out, _ = first.communicate(timeout=PATIENCE_SECONDS)
        assert first.returncode == 3, out
        assert f"this runner has lost its lock on {name}-new" in out
        assert "resume with" not in out
    assert "load/done" not in bed.events(name)
    assert not any(
        entry["Key"].endswith("report.json")
        for entry in bed.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/runs/")["Contents"]
    )


def test_where_runs_stand_and_what_they_came_to_is_known_everywhere(
    bed: Bed, tmp_path: Path
) -> None:
    name = "known"
    spec = bed.prepare(tmp_path / "spec", name)
    state = ["--state", f"s3://{BUCKET}/{name}"]
    none = on_another(bed, tmp_path / "b", "status", *state)
    assert (none.code, none.out) == (0, "no runs here; --run-dir names where they are\n")
    ended = on_another(bed, tmp_path / "a", "run", spec, "--yes", *state)
    assert ended.code == 0, ended.err
    run_id = bed.run_id(name)
    listed = on_another(bed, tmp_path / "b", "status", *state)
    assert run_id in listed.out
    assert "completed" in listed.out
    told = on_another(bed, tmp_path / "b", "status", run_id, *state)
    assert "verify both sides" in told.out
    report = on_another(bed, tmp_path / "b", "report", run_id, "--format", "json", *state)
    assert json.loads(report.out)["counts"]["loaded"] == COUNT
    assert not (tmp_path / "b" / ".migrate").exists()
    verified = on_another(bed, tmp_path / "b", "verify", spec, *state)
    assert verified.code == 0, verified.err
    bed.dynamodb.delete_item(TableName=f"{name}-new", Key={"n": {"N": "7"}})
    differs = on_another(bed, tmp_path / "c", "verify", spec, "--run", run_id, *state)
    assert differs.code == 1
    assert "1 items missing" in differs.err
    unknown = on_another(bed, tmp_path / "c", "report", "0000-0000", *state)
    assert unknown.code == 2
    assert f"there is no run '0000-0000' in s3://{BUCKET}/{name}" in unknown.err
    again = on_another(bed, tmp_path / "c", "run", spec, "--resume", "--yes", *state)
    assert again.code == 2
    assert f"there is no open run of {name} in s3://{BUCKET}/{name}" in again.err


def test_a_run_that_is_kept_in_s3_is_not_resumed_without_it(bed: Bed, tmp_path: Path) -> None:
    name = "both"
    spec = bed.prepare(tmp_path / "spec", name, rate=5)
    with loading(bed, spec, name, tmp_path / "first") as first:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=PATIENCE_SECONDS)
    alone = migrate("run", spec, "--resume", "--yes", cwd=tmp_path / "first", env=bed.env)
    assert alone.code == 2
    assert "is kept in S3 as well" in alone.err
    state = ["--state", f"s3://{BUCKET}/{name}"]
    back = on_another(bed, tmp_path / "second", "run", spec, "--abort", *state)
    assert back.code == 0, back.err
    over = on_another(bed, tmp_path / "third", "run", spec, "--resume", "--yes", *state)
    assert over.code == 2


def test_a_run_that_is_kept_in_s3_is_undone_on_another_machine(bed: Bed, tmp_path: Path) -> None:
    name = "undone"
    spec = bed.prepare(tmp_path / "spec", name)
    text = spec.read_text("utf-8").replace(f"table: {name}-new", f"table: {name}")
    spec.write_text(text + "rebuild: {strategy: replace}\n", "utf-8")
    state = ["--state", f"s3://{BUCKET}/{name}"]
    consent = ["--yes", "--allow-delete", name]
    ended = on_another(bed, tmp_path / "first", "run", spec, *consent, *state)
    assert ended.code == 0, ended.err
    run_id = bed.run_id(name)
    unknown = on_another(bed, tmp_path / "second", "restore", run_id, *consent, *state)
    assert (unknown.code, "name it with --spec" in unknown.err) == (2, True)
    own = ["--spec", str(spec)]
    back = on_another(bed, tmp_path / "second", "restore", run_id, *own, *consent, *state)
    assert back.code == 0, back.err
    described = bed.dynamodb.describe_table(TableName=name)["Table"]
    assert [key["AttributeName"] for key in described["KeySchema"]] == ["id"]
    assert bed.count(name) == COUNT


def test_what_is_kept_is_encrypted_and_goes_to_nobody_elses_bucket(
    bed: Bed, tmp_path: Path
) -> None:
    name = "private"
    spec = bed.prepare(tmp_path / "spec", name)
    wrong = on_another(
        bed, tmp_path, "run", spec, "--yes", "--state", f"s3://{BUCKET}/{name}?owner=999999999999"
    )
    assert wrong.code == 3
    assert "access was denied" in wrong.err
    right = f"s3://{BUCKET}/{name}?owner=123456789012&kms-key=alias/runs"
    ended = on_another(bed, tmp_path, "run", spec, "--yes", "--state", right)
    assert ended.code == 0, ended.err
    stored = bed.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"{name}/")["Contents"]
    assert len(stored) > 10
    for entry in stored:
        head = bed.s3.head_object(Bucket=BUCKET, Key=entry["Key"])
        assert head.get("SSEKMSKeyId") == "alias/runs", entry["Key"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--sandbox", "--state", "s3://b/p"], "--state keeps runs for resuming"),
        (["--dry-run", "--state", "s3://b/p"], "--state keeps runs for resuming"),
        (["--break-lock"], "there is none without --state"),
        (["--state", "b/p"], "is not an S3 address"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, options: list[str], words: str) -> None:
    ended = migrate("run", SPECS / "orders.migrate.yaml", *options, cwd=tmp_path)
    assert ended.code == 2
    assert words in ended.err
