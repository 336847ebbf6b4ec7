"""bulk-put and import-table through the installed command on the sandbox."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retable.runner.aws.bulk import require_bulk_put
from retable.runner.failure import Refused, Stopped
from retable.runner.load.quarantine import read_quarantine
from retable.runner.plan.target_steps import (
    AccountForImport,
    BulkPutItems,
    ImportTable,
    StageItems,
)
from retable.runner.steps.perform import perform
from support.command import migrate
from support.worlds import Run, running

SPEC = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/t/}}
target:
  table: things-v2
  key: {{partition: {{name: n, type: N}}}}
  indexes:
    global:
      - {{name: by_kind, partition: {{name: kind, type: S}}}}
transform:
  collisions: {{latest: at}}
  {rejects}
load: {{with: {loader}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  settings: {{point_in_time_recovery: true}}
  seed: things.jsonl
"""
COUNT = 300

STARTS: dict[str, type[ImportTable | BulkPutItems]] = {
    "import-table": ImportTable,
    "bulk-put": BulkPutItems,
}
"""The step that starts the service's own operation, by the loader."""


def write_spec(folder: Path, loader: str, rejects: str = "") -> Path:
    """Write the spec, and a seed of items of every type, two of which make one key."""
    lines = []
    for number in range(COUNT):
        item: dict[str, Any] = {
            "id": {"S": f"o-{number}"},
            "n": {"N": str(number % (COUNT - 1))},
            "at": {"N": str(number)},
            "kind": {"S": "lamp"},
            "blob": {"B": "AAEC/w=="},
            "tags": {"SS": ["b", "a"]},
            "doc": {"M": {"x": {"L": [{"N": "1.50"}, {"NULL": True}]}}},
        }
        lines.append(json.dumps({"Item": item}) + "\n")
    (folder / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = folder / "things.migrate.yaml"
    spec.write_text(SPEC.format(loader=loader, rejects=rejects), "utf-8")
    return spec


@pytest.mark.parametrize("loader", ["bulk-put", "import-table"])
def test_every_item_is_staged_written_and_proved(tmp_path: Path, loader: str) -> None:
    ended = migrate("run", write_spec(tmp_path, loader), "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 0, ended.err
    report = ended.report
    assert report["verdict"] == "passed"
    counts = report["counts"]
    assert (counts["loaded"], counts["superseded"], counts["quarantined"]) == (COUNT - 1, 1, 0)
    assert "stage the items in s3://acme-exports/t" in ended.err
    assert not list(tmp_path.glob(".migrate/*/spool/*.part"))
    assert "delete the staged items" in ended.err


def damaged_run(folder: Path, loader: str) -> Iterator[Run]:
    """Yield a run whose staged objects hold two items that the table refuses."""
    spec = write_spec(folder, loader, "max_rejects: 2")
    with running(spec, folder) as run:
        run.until("create" if loader == "import-table" else "load")
        prefix = run.evidence(StageItems).prefix
        moto = run.server.sandbox.moto
        (key, body), *_ = moto.objects("acme-exports", f"{prefix}/items/")
        lines = gzip.decompress(body).splitlines()
        for index in (0, 2):
            item = json.loads(lines[index])["Item"]
            item["kind"] = {"N": "1"}
            lines[index] = json.dumps({"Item": item}).encode()
        moto.put_object("acme-exports", key, gzip.compress(b"\n".join(lines) + b"\n"))
        yield run


@pytest.mark.parametrize("loader", ["bulk-put", "import-table"])
def test_i3_what_the_service_could_not_write_is_read_back_into_quarantine(
    tmp_path: Path, loader: str
) -> None:
    for run in damaged_run(tmp_path, loader):
        run.finish()
        kept = list(read_quarantine(run.world.folder.quarantine / "load.jsonl"))
        assert len(kept) == 2
        assert {entry["item"]["kind"]["N"] for entry in kept} == {"1"}
        assert all(entry["source_line"] > 0 for entry in kept)
        load = run.evidence(AccountForImport if loader == "import-table" else BulkPutItems)
        assert (load.loaded, load.quarantined) == (COUNT - 3, 2)
        assert len(run.items("things-v2")) == COUNT - 3


@pytest.mark.parametrize("loader", ["bulk-put", "import-table"])
def test_i2_an_operation_under_way_is_resumed_and_not_started_again(
    tmp_path: Path, loader: str
) -> None:
    """The same token gives the same operation, and one that is journaled is only asked about."""
    spec = write_spec(tmp_path, loader)
    kind = STARTS[loader]
    with running(spec, tmp_path) as run:
        step = run.step(kind)
        run.until(step.id)
        first = perform(step, run.world)
        again = perform(step, run.world)
        assert first == again
        started = run.world.journal.records(step.id, "started")
        assert len(started) == 1
        assert len(run.server.sandbox.state.bulk) == 1
        run.world.journal.finish(step, again)
        run.finish()


@pytest.mark.parametrize("loader", ["bulk-put", "import-table"])
def test_i2_an_operation_whose_token_is_forgotten_is_found_again(
    tmp_path: Path, loader: str
) -> None:
    """The service knows a token for 8 hours; a run may stand still for longer."""
    with running(write_spec(tmp_path, loader), tmp_path) as run:
        step = run.step(STARTS[loader])
        run.until(step.id)
        start = "ImportTable" if loader == "import-table" else "StartBulkPutItems"
        bulk = run.world.aws.bulk
        client = bulk._client  # noqa: SLF001 -- what the run would have sent before it was killed
        sent: list[str] = []
        client.meta.events.register(
            f"provide-client-params.dynamodb.{start}",
            lambda params, **_: sent.append(params["ClientToken"]),
        )
        perform(step, run.world)
        find = bulk.import_of if loader == "import-table" else bulk.bulk_put_of
        assert find(sent[0]) == run.world.journal.records(step.id, "started")[0].data["arn"]
        assert find("another") is None


def test_what_was_staged_is_taken_away_in_the_end(tmp_path: Path) -> None:
    with running(write_spec(tmp_path, "bulk-put"), tmp_path) as run:
        run.until("clear-stage")
        prefix = run.evidence(StageItems).prefix
        moto = run.server.sandbox.moto
        assert list(moto.objects("acme-exports", f"{prefix}/"))
        run.finish()
        assert not list(moto.objects("acme-exports", f"{prefix}/"))
        assert list(moto.objects("acme-exports", "t/AWSDynamoDB/"))


def test_i2_a_failed_import_leaves_no_table_in_the_way_of_the_next(tmp_path: Path) -> None:
    with running(write_spec(tmp_path, "import-table"), tmp_path) as run:
        run.until("create")
        prefix = run.evidence(StageItems).prefix
        moto = run.server.sandbox.moto
        (key, body), *_ = moto.objects("acme-exports", f"{prefix}/items/")
        moto.put_object("acme-exports", key, b"not gzip")
        with pytest.raises(Stopped, match="an input file could not be read"):
            perform(run.step(ImportTable), run.world)
        assert run.world.aws.tables.describe("things-v2") is None
        moto.put_object("acme-exports", key, body)
        run.finish()
        assert len(run.items("things-v2")) == COUNT - 1


def test_an_import_makes_no_local_indexes_and_no_prefix_is_made_up(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "import-table")
    text = spec.read_text("utf-8")
    local = text.replace(
        "type: N}}\n  indexes:", "type: N}, sort: {name: id, type: S}}\n  indexes:"
    )
    spec.write_text(
        local.replace(
            "transform:", "    local: [{name: by_at, sort: {name: at, type: N}}]\ntransform:"
        ),
        "utf-8",
    )
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 2
    assert (
        "import-table cannot create things-v2: an import creates no local secondary indexes"
        in ended.err
    )
    spec.write_text(
        text.replace("kind: native, location: s3://acme-exports/t/", "kind: scan"), "utf-8"
    )
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 2
    assert "loads from S3, and no S3 prefix is declared" in ended.err


def test_a_botocore_that_does_not_know_the_call_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retable.runner.aws.bulk.BULK_PUT", "StartNothing")
    with pytest.raises(Refused, match=r"botocore \S+ does not support StartNothing"):
        require_bulk_put()


@pytest.mark.parametrize("loader", ["bulk-put", "import-table"])
def test_i1_everything_is_staged_before_the_old_table_goes(tmp_path: Path, loader: str) -> None:
    spec = write_spec(tmp_path, loader)
    text = spec.read_text("utf-8").replace("things-v2", "things")
    spec.write_text(text + "rebuild: {strategy: replace}\n", "utf-8")
    with running(spec, tmp_path) as run:
        ids = [step.id for step in run.world.plan.steps]
        assert ids.index("stage") < ids.index("delete") < ids.index("create")
        run.finish()
        assert len(run.items("things")) == COUNT - 1


def test_a_rate_that_a_bulk_operation_does_not_take_is_refused(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "bulk-put")
    text = spec.read_text("utf-8").replace("{with: bulk-put}", "{with: bulk-put, rate: 100}")
    spec.write_text(text, "utf-8")
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 2
    assert "bulk-put takes a rate of 1,024 or more; found 100" in ended.err
