"""Loading into an existing table, through the installed command on a sandbox."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.command import Ended, migrate, standing_sandbox
from support.dynamodb_wire import Wire

SPEC = """
spec: 1
name: things
source:
  table: things
  region: eu-west-1
  export: {{kind: scan}}
target:
  table: archive
  nonempty: accept
  key: {{partition: {{name: id, type: S}}}}
load: {{on_conflict: {conflict}}}
sandbox:
  key: {{partition: {{name: id, type: S}}}}
  seed: things.jsonl
"""
COUNT = 40
OTHERS = {
    "o-1": {"id": {"S": "o-1"}, "v": {"N": "1"}},  # ours already: equal but for its spelling
    "o-2": {"id": {"S": "o-2"}, "v": {"N": "99"}},
    "theirs": {"id": {"S": "theirs"}, "v": {"N": "7"}},
}


def rebuild(tmp_path: Path, conflict: str) -> tuple[Ended, dict[str, Any]]:
    """Load into a table with items of its own; return how it ended and what the table holds."""
    lines = (f'{{"Item":{{"id":{{"S":"o-{n}"}},"v":{{"N":"{n}.0"}}}}}}\n' for n in range(COUNT))
    (tmp_path / "things.jsonl").write_text("".join(lines), "utf-8")
    spec = tmp_path / "things.migrate.yaml"
    spec.write_text(SPEC.format(conflict=conflict), "utf-8")
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        wire.done(
            "CreateTable",
            {
                "TableName": "archive",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            },
        )
        for item in OTHERS.values():
            wire.done("PutItem", {"TableName": "archive", "Item": item})
        ended = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
        found = wire.done("Scan", {"TableName": "archive"})["Items"]
    return ended, {item["id"]["S"]: item for item in found}


def test_existing_items_are_kept_and_every_one_is_reported(tmp_path: Path) -> None:
    """I3: what another item stood in the way of is in quarantine, and nothing else."""
    ended, found = rebuild(tmp_path, "keep")
    assert ended.code == 0, ended.err
    assert ended.report["verdict"] == "passed"
    assert ended.report["counts"]["loaded"] == COUNT - 1
    assert ended.report["counts"]["quarantined"] == 1
    assert found["o-2"]["v"] == {"N": "99"}
    assert found["theirs"] == OTHERS["theirs"]
    assert len(found) == COUNT + 1
    (path,) = tmp_path.glob(".migrate/*/quarantine/load.jsonl")
    (kept,) = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert (kept["reason"], kept["item"]["id"]) == ("kept-existing", {"S": "o-2"})


def test_overwriting_leaves_items_of_other_keys_alone(tmp_path: Path) -> None:
    ended, found = rebuild(tmp_path, "overwrite")
    assert ended.code == 0, ended.err
    assert ended.report["verdict"] == "passed"
    assert found["o-2"]["v"] == {"N": "2"}
    assert found["theirs"] == OTHERS["theirs"]
    assert "archive already exists; it is not fenced" in ended.err


def test_another_item_of_the_same_key_stops_a_load_that_must_not_meet_any(tmp_path: Path) -> None:
    ended, found = rebuild(tmp_path, "fail")
    assert ended.code == 1
    assert 'archive holds another item with the key {"id":{"S":"o-2"}}' in ended.err
    assert found["o-2"]["v"] == {"N": "99"}


@pytest.mark.parametrize("conflict", ["overwrite", "keep"])
def test_a_table_that_is_there_is_refused_unless_the_spec_accepts_it(
    tmp_path: Path, conflict: str
) -> None:
    (tmp_path / "things.jsonl").write_text('{"Item":{"id":{"S":"o"}}}\n', "utf-8")
    spec = tmp_path / "things.migrate.yaml"
    text = SPEC.format(conflict=conflict).replace("  nonempty: accept\n", "")
    spec.write_text(text, "utf-8")
    if conflict == "keep":
        ended = migrate("lint", spec, cwd=tmp_path)
        assert ended.code == 1
        assert "on_conflict: keep needs target.nonempty: accept" in ended.err + ended.out
        return
    with standing_sandbox(spec) as env, Wire(env["AWS_ENDPOINT_URL"]) as wire:
        wire.done(
            "CreateTable",
            {
                "TableName": "archive",
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            },
        )
        ended = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
    assert ended.code == 1
    assert "the target table archive already exists" in ended.err
