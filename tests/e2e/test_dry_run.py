"""What a dry run shows before anything is deleted: collisions, hot partitions, rejects, sizes."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.command import Ended, migrate

SPEC = """\
spec: 1
name: found
source:
  table: visits
  region: eu-west-1
  export: {kind: native, location: s3://acme-exports/visits/}
target:
  table: visits-by-place
  key:
    partition: {name: place, type: S}
    sort: {name: at, type: S}
  indexes:
    global:
      - {name: by_kind, partition: {name: kind, type: S}}
transform:
  where: kind != 'gone'
  fields: {place: town, at: day}
  max_rejects: 10
COLLISIONS
load: {rate: 4000}
sandbox:
  key: {partition: {name: id, type: S}}
  seed: seed.jsonl
"""
LATEST = "  collisions: {latest: rank}"


def items() -> list[dict[str, Any]]:
    """Return 12 pairs that collide, 60 visits to one hot place, and one item for each fault."""
    made: list[dict[str, Any]] = []

    def add(**attributes: Any) -> None:
        made.append({"id": {"S": f"v{len(made):03d}"}, **attributes})

    for number in range(12):
        for rank in (1, 2):
            add(town={"S": f"t{number:02d}"}, day={"S": "d"}, rank={"N": str(rank)})
    for number in range(60):
        add(town={"S": "hot"}, day={"S": f"d{number}"}, rank={"N": "1"}, kind={"S": "x"})
    add(town={"S": "big"}, day={"S": "d"}, text={"S": "x" * 300_000}, rank={"N": "1"})
    add(day={"S": "d"})
    add(town={"S": ""}, day={"S": "d"})
    add(town={"N": "1"}, day={"S": "d"})
    add(town={"S": "t"}, day={"S": "d"}, kind={"N": "7"})
    add(town={"S": "t"}, day={"S": "d"}, kind={"S": "gone"})
    return made


def dry_run(folder: Path, collisions: str, *options: str) -> Ended:
    folder.mkdir(exist_ok=True)
    (folder / "seed.jsonl").write_text(
        "".join(json.dumps({"Item": item}) + "\n" for item in items()), "utf-8"
    )
    spec = folder / "found.migrate.yaml"
    spec.write_text(SPEC.replace("COLLISIONS", collisions), "utf-8")
    return migrate("run", spec, "--sandbox", "--dry-run", *options, cwd=folder)


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return dry_run(tmp_path_factory.mktemp("refused"), "")


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return dry_run(tmp_path_factory.mktemp("settled"), LATEST)


def test_a_key_that_collides_shows_every_group_of_items(refused: Ended) -> None:
    assert refused.code == 1
    found = refused.report["collisions"]
    assert (found["keys"], found["items"], found["unresolved"]) == (12, 24, 12)
    assert [one["key"]["place"]["S"] for one in found["examples"]] == [
        f"t{number:02d}" for number in range(12)
    ]
    assert all(len(one["places"]) == 2 and one["winner"] is None for one in found["examples"])
    assert refused.out.count(", d  ") >= 12


def test_a_winner_is_named_for_every_group(settled: Ended) -> None:
    assert settled.code == 0, settled.err
    examples = settled.report["collisions"]["examples"]
    assert len(examples) == 12
    assert all(one["winner"] in one["places"] for one in examples)
    assert settled.report["counts"]["superseded"] == 12


def test_every_way_of_being_rejected_is_told_with_its_lines(settled: Ended) -> None:
    rejects = settled.report["rejects"]
    assert {(one["reason"], one["items"]) for one in rejects} == {
        ("missing-key", 1),
        ("empty-key", 1),
        ("wrong-key-type", 1),
        ("wrong-index-key-type", 1),
    }
    assert all(one["examples"] for one in rejects)
    assert "by_kind" in next(o["detail"] for o in rejects if o["reason"] == "wrong-index-key-type")


def test_hot_partitions_are_named_and_warned_of(settled: Ended) -> None:
    found = settled.report["partitions"]
    assert found["hottest"][0]["key"] == {"place": {"S": "big"}}
    assert found["hottest"][0]["write_units"] == 294
    assert found["hottest"][1]["write_units"] == 60
    assert found["hottest"][0]["units_per_second"] == 294 * 4000 // found["write_units"]
    (note,) = [note for note in settled.report["notes"] if "load.rate" in note]
    assert "1 partition key of visits-by-place would get more than 1,000 write units" in note


def test_attributes_and_index_entries_are_counted(settled: Ended) -> None:
    found = settled.report["attributes"]
    assert (found["items_before"], found["items_after"]) == (90, 85)
    before = {one["name"]: one["types"] for one in found["before"]}
    assert before["town"] == {"N": 1, "S": 88}
    after = {one["name"]: one["types"] for one in found["after"]}
    assert after["place"] == {"S": 85}
    assert found["indexes"] == [{"index": "by_kind", "attributes": ["kind"], "items": 60}]


def test_the_largest_item_is_named(settled: Ended) -> None:
    assert settled.report["sizes"]["largest_items"][0]["key"]["place"] == {"S": "big"}
    assert settled.report["sizes"]["largest"] > 300_000


def test_a_sample_says_so_and_needs_a_dry_run(tmp_path: Path) -> None:
    ended = dry_run(tmp_path / "sample", LATEST, "--sample", "20")
    assert ended.report["sample"] == {"items": 20, "of": 90}
    assert ended.report["counts"]["read"] == 20
    assert "estimated, from 20 of 90 items" in ended.out
    spec = tmp_path / "sample/found.migrate.yaml"
    refused = migrate("run", spec, "--sandbox", "--yes", "--sample", "20", cwd=tmp_path)
    assert refused.code == 2
    assert "--sample needs --dry-run" in refused.err


def test_i6_no_key_is_in_the_journal_of_a_dry_run(settled: Ended) -> None:
    (journal,) = settled.folder.glob(".migrate/*/journal.jsonl")
    assert '"t01"' not in journal.read_text("utf-8")
