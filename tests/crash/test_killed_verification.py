"""I2, I4: a run killed while the table is read back by an export resumes and passes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.runs.journal import read_journal
from retable.runner.sandbox.seed import seed
from retable.schema import load_spec
from support.command import Ended, clean_environment, standing_sandbox
from support.dynamodb_wire import Wire
from support.killed import KilledRuns

READ_BACK = "retable.runner.steps.read_back"
PLACES = [
    f"{READ_BACK}.start_export",
    f"{READ_BACK}.check_export",
    f"{READ_BACK}.map_files",
    f"{READ_BACK}.agree",
    f"{READ_BACK}.write_items",
    "retable.runner.steps.verify_table.write_durably",
]
SPEC = """
spec: 1
name: {table}
source:
  table: {table}
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/{table}/}}
target:
  table: {table}-v2
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: false}}
verify:
  read: export
  queries: [{{name: all, sql: select count(*) from target, expect: 20}}]
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""


class Bed:
    """A standing sandbox, and a way to run and kill migrations against it."""

    def __init__(self, env: dict[str, str], wire: Wire) -> None:
        self.endpoint = env["AWS_ENDPOINT_URL"]
        self.runs = KilledRuns(clean_environment(env))
        self.wire = wire

    def prepare(self, folder: Path, table: str) -> Path:
        """Seed a table of its own and return its spec."""
        folder.mkdir()
        (folder / "things.jsonl").write_text(
            "".join(f'{{"Item":{{"id":{{"S":"o-{n}"}}}}}}\n' for n in range(20)), "utf-8"
        )
        spec = folder / "spec.migrate.yaml"
        spec.write_text(SPEC.format(table=table), "utf-8")
        seed(self.endpoint, load_spec(spec), deploy_app)
        return spec

    def require_passed(self, folder: Path, table: str) -> None:
        """One export was made of the target and proved it, and recovery is as planned."""
        output = (folder / "output.txt").read_text("utf-8")
        report = Ended(0, output, output, folder).report
        assert report["verdict"] == "passed", output
        assert [check["outcome"] for check in report["checks"]] == ["passed"] * 7
        arn = self.wire.done("DescribeTable", {"TableName": f"{table}-v2"})["Table"]["TableArn"]
        assert len(self.wire.done("ListExports", {"TableArn": arn})["ExportSummaries"]) == 1
        answer = self.wire.done("DescribeContinuousBackups", {"TableName": f"{table}-v2"})
        found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        assert found["PointInTimeRecoveryStatus"] == "DISABLED"


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("bed")
    (folder / "things.jsonl").write_text('{"Item":{"id":{"S":"o-0"}}}\n', "utf-8")
    (folder / "spec.migrate.yaml").write_text(SPEC.format(table="first"), "utf-8")
    patch = pytest.MonkeyPatch()
    with (
        standing_sandbox(folder / "spec.migrate.yaml") as env,
        Wire(env["AWS_ENDPOINT_URL"]) as wire,
    ):
        for name, value in env.items():
            patch.setenv(name, value)
        bed = Bed(env, wire)
        yield bed
        bed.runs.close()
    patch.undo()


def test_i2_killed_around_any_journal_entry_of_a_verification_by_export(
    bed: Bed, tmp_path: Path
) -> None:
    """Every point is tried from the end of the load on."""
    folder = tmp_path / "straight"
    spec = bed.prepare(folder, "straight")
    code, points = bed.runs.run("run", spec, "--yes", cwd=folder, kill_at=None)
    assert code == 0, (folder / "output.txt").read_text("utf-8")
    bed.require_passed(folder, "straight")
    (journal,) = folder.glob(".migrate/*/journal.jsonl")
    steps = [record.step for record in read_journal(journal)]
    later = len(steps) - steps.index("pitr-target")
    # Two points a record; the last one lies behind all of them.
    for point in range(points - 2 * later + 1, points):
        folder = tmp_path / str(point)
        spec = bed.prepare(folder, f"k{point}")
        code, passed = bed.runs.run("run", spec, "--yes", cwd=folder, kill_at=point)
        assert (code, passed) == (-9, point)
        code, _ = bed.runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
        assert code == 0, (point, (folder / "output.txt").read_text("utf-8"))
        bed.require_passed(folder, f"k{point}")


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_i2_killed_in_the_middle_of_a_verification_by_export(
    bed: Bed, tmp_path: Path, number: int
) -> None:
    folder, table = tmp_path / "run", f"in-{number}"
    spec = bed.prepare(folder, table)
    place = PLACES[number]
    code, _ = bed.runs.run("run", spec, "--yes", cwd=folder, kill_at=None, kill_in=place)
    assert code == -9, (folder / "output.txt").read_text("utf-8")
    code, _ = bed.runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
    assert code == 0, (folder / "output.txt").read_text("utf-8")
    bed.require_passed(folder, table)


def test_i4_a_table_that_was_put_right_is_exported_again(bed: Bed, tmp_path: Path) -> None:
    """What failed is not judged by the same export twice."""
    folder, table = tmp_path / "run", "right"
    spec = bed.prepare(folder, table)
    place = f"{READ_BACK}.start_export"
    bed.runs.run("run", spec, "--yes", cwd=folder, kill_at=None, kill_in=place)
    added = {"TableName": f"{table}-v2", "Item": {"id": {"S": "added"}}}
    bed.wire.done("DeleteResourcePolicy", {"ResourceArn": arn_of(bed, table)})
    bed.wire.done("PutItem", added)
    code, _ = bed.runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
    assert code == 1, (folder / "output.txt").read_text("utf-8")
    bed.wire.done("DeleteItem", {"TableName": f"{table}-v2", "Key": added["Item"]})
    code, _ = bed.runs.run("run", spec, "--resume", "--yes", cwd=folder, kill_at=None)
    assert code == 0, (folder / "output.txt").read_text("utf-8")
    exports = bed.wire.done("ListExports", {"TableArn": arn_of(bed, table)})["ExportSummaries"]
    assert len(exports) == 2


def arn_of(bed: Bed, table: str) -> str:
    """Return the ARN of the target of ``table``."""
    answer = bed.wire.done("DescribeTable", {"TableName": f"{table}-v2"})
    return str(answer["Table"]["TableArn"])
