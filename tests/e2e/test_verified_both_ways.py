"""A rebuilt table in which someone altered single items: exactly those are named, either way read.

Some items are rewritten so that they stay the same: sets and map keys in another order, numbers
spelt in another way. The table is read by a scan, or by a second export.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.command import Ended, migrate, standing_sandbox
from support.dynamodb_wire import Wire

SPEC = """\
spec: 1
name: parcels
source:
  table: parcels
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/parcels/}
target:
  table: parcels-v2
  key:
    partition: {name: town, type: S}
    sort: {name: number, type: N}
SETTINGS
transform:
  fields: {number: {from: to_number(id), type: N}}
verify:
  read: READ
  queries:
    - {name: all of them, sql: select count(*) from target, expect: 60}
    - name: numbers are read
      sql: select count(*) from target where number(item, 'weight') >= 0
      expect: 60
sandbox:
  key: {partition: {name: id, type: S}}
  settings: {point_in_time_recovery: true}
  seed: seed.jsonl
"""
OFF = "  settings: {point_in_time_recovery: false}\n"
ITEMS = [
    {
        "id": {"S": str(number)},
        "town": {"S": f"t{number % 7}"},
        "weight": {"N": f"{number}.50"},
        "labels": {"SS": ["a", "b", "ü"]},
        "sizes": {"NS": ["1", "2.5", "-3"]},
        "parts": {"BS": ["AAEC", "/w=="]},
        "address": {"M": {"street": {"S": "x"}, "floors": {"L": [{"N": "1"}, {"N": "20"}]}}},
    }
    for number in range(60)
]


class Bed:
    """A standing sandbox with the rebuilt table in it."""

    def __init__(self, folder: Path, spec: Path, env: dict[str, str], wire: Wire) -> None:
        self.folder = folder
        self.spec = spec
        self.env = env
        self.wire = wire

    def migrate(self, *arguments: str | Path) -> Ended:
        return migrate(*arguments, cwd=self.folder, env=self.env)

    def put(self, number: int, **changes: Any) -> dict[str, Any]:
        """Put the item, changed; ``None`` takes an attribute away. Return its key."""
        key = {"town": ITEMS[number]["town"], "number": {"N": str(number)}}
        item = {**ITEMS[number], **key, **changes}
        kept = {name: value for name, value in item.items() if value is not None}
        self.wire.done("PutItem", {"TableName": "parcels-v2", "Item": kept})
        return {name: item[name] for name in key}

    def delete(self, number: int) -> dict[str, Any]:
        key = {"town": ITEMS[number]["town"], "number": {"N": str(number)}}
        self.wire.done("DeleteItem", {"TableName": "parcels-v2", "Key": key})
        return key

    def recovers(self) -> bool:
        """Return whether the target has point-in-time recovery."""
        answer = self.wire.done("DescribeContinuousBackups", {"TableName": "parcels-v2"})
        found = answer["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        return bool(found["PointInTimeRecoveryStatus"] == "ENABLED")

    def exports(self) -> int:
        """Return how many exports there are of the target."""
        arn = self.wire.done("DescribeTable", {"TableName": "parcels-v2"})["Table"]["TableArn"]
        return len(self.wire.done("ListExports", {"TableArn": arn})["ExportSummaries"])


def write_spec(folder: Path, read: str, settings: str = "") -> Path:
    """Write the spec and its seed."""
    lines = "".join(json.dumps({"Item": item}) + "\n" for item in ITEMS)
    (folder / "seed.jsonl").write_text(lines, "utf-8")
    spec = folder / "parcels.migrate.yaml"
    spec.write_text(SPEC.replace("READ", read).replace("SETTINGS\n", settings), "utf-8")
    return spec


@pytest.fixture(params=["scan", "export"])
def bed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bed]:
    """Return the table, rebuilt and verified."""
    spec = write_spec(tmp_path, request.param)
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        ran = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        assert ran.code == 0, ran.err
        yield Bed(tmp_path, spec, env, wire)


def named(ended: Ended) -> set[tuple[str, str]]:
    """Return what the run's ``diff.jsonl`` names."""
    path = ended.folder / Path(ended.report["run_folder"]) / "diff.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return {(row["kind"], text(row["key"])) for row in rows}


def text(key: dict[str, Any]) -> str:
    """Return a key as text that does not depend on the order of its attributes."""
    return json.dumps(key, sort_keys=True)


def test_i4_exactly_the_items_that_were_altered_deleted_and_added_are_named(bed: Bed) -> None:
    wanted = {
        ("different", text(bed.put(3, weight={"N": "3.51"}))),
        ("different", text(bed.put(4, weight={"S": "4.50"}))),
        ("different", text(bed.put(5, labels=None))),
        ("different", text(bed.put(6, note={"NULL": True}))),
        ("different", text(bed.put(7, sizes={"NS": ["1", "2.5"]}))),
        ("missing", text(bed.delete(8))),
        ("extra", text(bed.put(9, town={"S": "nowhere"}))),
    }
    bed.put(20, labels={"SS": ["ü", "b", "a"]}, parts={"BS": ["/w==", "AAEC"]})
    bed.put(21, sizes={"NS": ["-3.0", "25e-1", "1.00"]}, weight={"N": "0.2150E2"})
    bed.put(
        22, address={"M": {"floors": {"L": [{"N": "1.0"}, {"N": "2e1"}]}, "street": {"S": "x"}}}
    )
    ended = bed.migrate("verify", bed.spec)
    assert ended.code == 1, ended.err
    assert named(ended) == wanted
    assert ended.report["differences"] == {"missing": 1, "extra": 1, "different": 5}
    changed = {
        row["key"]["number"]["N"]: [change["name"] for change in row["changes"]]
        for row in ended.report["first_differences"]
        if row["kind"] == "different"
    }
    assert changed == {
        "3": ["weight"],
        "4": ["weight"],
        "5": ["labels"],
        "6": ["note"],
        "7": ["sizes"],
    }


def test_what_stays_the_same_in_another_spelling_is_no_difference(bed: Bed) -> None:
    for number in range(0, 60, 3):
        bed.put(
            number,
            labels={"SS": ["ü", "a", "b"]},
            weight={"N": f"{number}5e-1" if number else "0.5"},
            sizes={"NS": ["2.50", "1.0", "-3"]},
        )
    ended = bed.migrate("verify", bed.spec)
    assert ended.code == 0, ended.err
    assert named(ended) == set()


def test_a_run_that_reads_by_export_makes_one_and_leaves_recovery_as_planned(
    tmp_path: Path,
) -> None:
    spec = write_spec(tmp_path, "export", OFF)
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        planned = migrate("plan", spec, cwd=tmp_path, env=env)
        assert "~   turn on point-in-time recovery of parcels-v2" in planned.out
        assert "verify both sides by an export into s3://acme-exports/parcels" in planned.out
        ran = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        assert ran.code == 0, ran.err
        bed = Bed(tmp_path, spec, env, wire)
        assert bed.exports() == 1
        assert not bed.recovers()
        (read,) = [one for one in ran.report["checks"] if "items in export" in one["name"]]
        assert (read["outcome"], read["expected"], read["actual"]) == ("passed", 60, 60)
        assert "of parcels-v2" in read["name"]
        # Without it there is no second export, and nobody turns it on behind the owner's back.
        again = bed.migrate("verify", spec)
        assert again.code == 2
        assert "parcels-v2 has no point-in-time recovery, which an export needs" in again.err


def test_a_table_that_is_there_must_be_exportable_before_anything_is_written(
    tmp_path: Path,
) -> None:
    spec = write_spec(tmp_path, "scan", OFF)
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        assert migrate("run", spec, "--yes", cwd=tmp_path, env=env).code == 0
        bed = Bed(tmp_path, spec, env, wire)
        text = spec.read_text("utf-8").replace("read: scan", "read: export")
        spec.write_text(text.replace("v2\n", "v2\n  nonempty: accept\n", 1), "utf-8")
        refused = bed.migrate("run", spec, "--yes")
        assert refused.code == 2, refused.err
        assert "parcels-v2 has no point-in-time recovery" in refused.err
        wanted = {"PointInTimeRecoveryEnabled": True}
        wire.done(
            "UpdateContinuousBackups",
            {"TableName": "parcels-v2", "PointInTimeRecoverySpecification": wanted},
        )
        ran = bed.migrate("run", spec, "--yes")
        assert ran.code == 0, ran.err
        assert bed.recovers()


def test_an_export_needs_a_place_in_s3(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "export")
    text = spec.read_text("utf-8").replace(
        "kind: native, location: s3://acme-exports/parcels/", "kind: scan"
    )
    spec.write_text(text, "utf-8")
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path)
    assert ended.code == 2, ended.err
    assert "verify.read: export makes a second export, and no S3 prefix is declared" in ended.err


def test_the_table_s_export_need_not_stay_on_this_machine(tmp_path: Path) -> None:
    spec = write_spec(tmp_path, "export")
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=tmp_path, env={"RETABLE_SPOOL": "0"})
    assert ended.code == 0, ended.err
    assert not list(tmp_path.glob(".migrate/*/spool/**/*.gz"))
