"""A table that is lost is made again from its export, by the installed command."""

from pathlib import Path

import boto3

from support.command import SPECS, Ended, migrate, standing_sandbox

EXAMPLE = SPECS / "lost-orders.migrate.yaml"


def refusal(folder: Path, spec: Path) -> Ended:
    ended = migrate("run", spec, "--sandbox", "--yes", cwd=folder)
    assert not list(folder.glob(".migrate/*/journal.jsonl"))
    return ended


def test_a_lost_table_is_made_again_from_its_newest_export(tmp_path: Path) -> None:
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


def test_what_nothing_is_left_of_is_told_before_it_is_missed(tmp_path: Path) -> None:
    text = EXAMPLE.read_text("utf-8").replace("seeds/", f"{tmp_path}/")
    text = text.replace(f"seed: {tmp_path}/orders.jsonl", "seed: orders.jsonl")
    begin, end = text.index("  indexes:"), text.index("rebuild:")
    spec = tmp_path / "lost.migrate.yaml"
    spec.write_text(text[:begin] + "\n" + text[end:], "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    ended = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "the indexes of orders are gone with it: orders gets none" in ended.out
    assert "the billing of orders is not known any more: orders is on-demand" in ended.out
    assert "the settings of orders are gone with it" in ended.out


def test_a_table_that_is_there_is_not_recovered(tmp_path: Path) -> None:
    spec = tmp_path / "lost.migrate.yaml"
    text = EXAMPLE.read_text("utf-8").replace("  lost: true\n", "")
    spec.write_text(text.replace("seeds/orders.jsonl", "orders.jsonl"), "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    ended = refusal(tmp_path, spec)
    assert ended.code == 2
    assert "is for a lost one" in ended.err


def test_a_table_that_is_not_there_needs_an_export_by_name(tmp_path: Path) -> None:
    spec = tmp_path / "lost.migrate.yaml"
    text = EXAMPLE.read_text("utf-8").replace("strategy: recover", "strategy: replace")
    spec.write_text(text.replace("seeds/orders.jsonl", "orders.jsonl"), "utf-8")
    (tmp_path / "orders.jsonl").write_bytes((SPECS / "seeds" / "orders.jsonl").read_bytes())
    ended = migrate("plan", spec, "--sandbox", cwd=tmp_path)
    assert ended.code == 2
    assert "the table orders does not exist" in ended.err
    assert "strategy: recover" in ended.err
