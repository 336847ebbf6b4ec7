"""A lost table is recreated from its export, by the installed command."""

import json
from pathlib import Path
from typing import Any

import boto3

from support.command import SPECS, Ended, migrate, standing_sandbox

EXAMPLE = SPECS / "lost-orders.migrate.yaml"


def refusal(folder: Path, spec: Path) -> Ended:
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=folder)
    assert not list(folder.glob(".migrate/*/journal.jsonl"))
    return ended


def test_a_lost_table_is_recreated_from_its_newest_export(tmp_path: Path) -> None:
    with standing_sandbox(EXAMPLE) as env:
        ended = migrate("run", EXAMPLE, "--yes", cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        client = boto3.client(
            "dynamodb",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            region_name="eu-west-1",
            aws_access_key_id="READER",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        table = client.describe_table(TableName="orders")["Table"]
        policy = client.get_paginator("scan").paginate(TableName="orders", Select="COUNT")
        count = sum(page["Count"] for page in policy)
        client.close()
    report = ended.report
    assert report["verdict"] == "passed"
    assert (report["counts"]["read"], report["counts"]["loaded"], count) == (120, 110, 110)
    assert table["KeySchema"] == [{"AttributeName": "order_id", "KeyType": "HASH"}]
    assert table["DeletionProtectionEnabled"]
    assert [index["IndexName"] for index in table["GlobalSecondaryIndexes"]] == ["by_status"]
    titles = " ".join(step["title"] for step in report["steps"])
    assert not {"freeze", "back", "delete"} & set(titles.split())


def test_settings_that_are_lost_are_listed_before_the_run(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").replace("seeds/", f"{tmp_path}/")
    text = text.replace(f"seed: {tmp_path}/orders.jsonl", "seed: orders.jsonl")
    begin, end = text.index("  indexes:"), text.index("rebuild:")
    spec = tmp_path / "lost.migrate.yaml"
    spec.write_text(text[:begin] + "\n" + text[end:], "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    ended = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "the indexes of orders are deleted with it: orders gets none" in ended.out
    assert "the billing mode of orders is no longer known: orders is on-demand" in ended.out
    assert "the settings of orders are deleted with it" in ended.out


def test_a_table_that_is_not_there_needs_an_export_by_name(tmp_path: Path) -> None:
    spec = tmp_path / "lost.migrate.yaml"
    text = EXAMPLE.read_text("utf-8").replace("strategy: recover", "strategy: replace")
    spec.write_text(text.replace("seeds/orders.jsonl", "orders.jsonl"), "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    ended = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert ended.code == 2
    assert "the table orders does not exist" in ended.err
    assert "strategy: recover" in ended.err


DAMAGED = SPECS / "damaged-orders.migrate.yaml"
LEAVE = ("--yes", "--allow-delete", "orders")


def reader(env: dict[str, str]) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name="eu-west-1",
        aws_access_key_id="READER",
        aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
    )


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def by_id(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {item["order_id"]["S"]: item for item in items}


def test_a_damaged_table_is_recreated_as_it_was_and_what_is_lost_is_listed(tmp_path: Path) -> None:
    seeded = [line["Item"] for line in lines_of(SPECS / "seeds" / "orders.jsonl")]
    later = [line["Item"] for line in lines_of(SPECS / "seeds" / "damage.jsonl")]
    with standing_sandbox(DAMAGED) as env:
        client = reader(env)
        before = client.describe_table(TableName="orders")["Table"]
        refused = migrate("run", DAMAGED, "--yes", cwd=tmp_path, env=env)
        assert (refused.code, "--allow-delete orders" in refused.err) == (2, True)
        ended = migrate("run", DAMAGED, *LEAVE, cwd=tmp_path, env=env)
        assert ended.code == 0, ended.err
        after = client.describe_table(TableName="orders")["Table"]
        found = by_id(client.scan(TableName="orders", ConsistentRead=True)["Items"])
        client.close()
    assert after["TableId"] != before["TableId"]
    assert after["DeletionProtectionEnabled"]
    kept = [item for item in seeded if item["status"]["S"] != "DELETED"]
    assert found.keys() == by_id(kept).keys()
    assert all("total" in item and "N" in item["total"] for item in found.values())
    (listed,) = tmp_path.glob(".migrate/*/changes.jsonl")
    keys = [json.loads(line["key"])["order_id"]["S"] for line in lines_of(listed)]
    assert sorted(keys) == sorted(by_id(later))
    (told,) = (note for note in ended.report["notes"] if "were written after its export" in note)
    assert "13 items of orders" in told


def test_i1_writes_that_nobody_gave_up_stop_a_repair_before_the_delete(tmp_path: Path) -> None:
    spec = tmp_path / "damaged.migrate.yaml"
    text = DAMAGED.read_text("utf-8").replace("accept: [later-writes]", "freeze: none")
    spec.write_text(text, "utf-8")
    (tmp_path / "seeds").mkdir()
    for name in ("orders.jsonl", "damage.jsonl"):
        (tmp_path / "seeds" / name).write_bytes((SPECS / "seeds" / name).read_bytes())
    with standing_sandbox(spec) as env:
        client = reader(env)
        before = client.describe_table(TableName="orders")["Table"]
        ended = migrate("run", spec, *LEAVE, cwd=tmp_path, env=env)
        after = client.describe_table(TableName="orders")["Table"]
        client.put_item(TableName="orders", Item={"order_id": {"S": "writers-may-write"}})
        client.close()
    assert ended.code == 1
    assert "13 items of orders were written after 2026-11-20T03:00:00+00:00" in ended.err
    assert "accept: [later-writes] under rebuild accepts their loss" in ended.err
    assert "the freeze of orders was lifted; nothing was deleted" in ended.err
    assert after["TableId"] == before["TableId"]


def test_a_moment_that_nobody_remembers_is_refused_before_anything_is_touched(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "damaged.migrate.yaml"
    with standing_sandbox(DAMAGED) as env:
        text = DAMAGED.read_text("utf-8").replace("2026-11-20T03", "2026-01-20T03")
        spec.write_text(text.partition("sandbox:")[0], "utf-8")
        ended = migrate("run", spec, *LEAVE, cwd=tmp_path, env=env)
        assert ended.code == 2
        assert "point-in-time recovery of orders covers 2026-11-20T02:00:00+00:00 to" in ended.err
        spec.write_text(
            text.replace('    at: "2026-01', "    max_age: 1d #").partition("sandbox:")[0]
        )
        unsaid = migrate("run", spec, *LEAVE, cwd=tmp_path, env=env)
    assert unsaid.code == 2
    assert "the spec does not name a time before the damage" in unsaid.err


def test_an_unfrozen_rebuild_beside_the_source_lists_what_was_written_meanwhile(
    tmp_path: Path,
) -> None:
    spec = tmp_path / "beside.migrate.yaml"
    text = (SPECS / "orders.migrate.yaml").read_text("utf-8")
    text = text.replace("strategy: replace", "strategy: side-by-side")
    text = text.replace("  freeze: resource-policy\n", "  freeze: none\n")
    source, mark, rest = text.partition("target:\n  table: orders")
    spec.write_text(source + mark + "-v2" + rest.partition("sandbox:")[0], "utf-8")
    with standing_sandbox(SPECS / "orders.migrate.yaml", "--writer", "20") as env:
        ended = migrate("run", spec, "--yes", cwd=tmp_path, env=env)
    assert ended.code == 0, ended.err
    notes = ended.report["notes"]
    (verdict,) = (note for note in notes if note.startswith("verified as of"))
    assert "not ready for cut-over" in verdict
    (told,) = (note for note in notes if "were written after its export" in note)
    (listed,) = tmp_path.glob(".migrate/*/changes.jsonl")
    assert told.startswith(f"{len(lines_of(listed)):,} items of orders")
