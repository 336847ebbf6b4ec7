"""Listing later writes: windows cover the time without a gap, and an item's last word counts."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.later_writes import LaterWrites, Ttl, list_later_writes
from retable.runner.failure import CheckFailed
from retable.runner.plan.source_steps import ListChanges
from retable.runner.progress import NoProgress
from retable.runner.steps.list_changes import LONGEST, list_changes, windows
from support.command import SPECS
from support.exports import md5_text, packed
from support.worlds import running

START = datetime(2026, 11, 20, 3, tzinfo=UTC)
LEAST = timedelta(minutes=15)


def change(key: str, *, put: bool = True) -> dict[str, object]:
    record: dict[str, object] = {
        "Metadata": {"WriteTimestampMicros": {"N": "1"}},
        "Keys": {"id": {"S": key}},
    }
    return {**record, "NewImage": {"id": {"S": key}}} if put else record


def window_file(path: Path, records: list[dict[str, object]], place: int) -> CheckedFile:
    """Write a data file of an incremental export."""
    body = packed([json.dumps(record).encode() for record in records])
    path.write_bytes(body)
    return CheckedFile(
        key=path.name,
        path=path,
        item_count=len(records),
        md5=md5_text(body),
        view="NEW_IMAGE",
        place=place,
    )


def listed(path: Path) -> dict[str, str]:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return {json.loads(line["key"])["id"]["S"]: line["change"] for line in lines}


@given(st.integers(min_value=15 * 60, max_value=40 * 24 * 3600))
def test_windows_cover_all_of_the_time_and_none_is_too_short_or_too_long(seconds: int) -> None:
    until = START + timedelta(seconds=seconds)
    found = list(windows(START, until, LEAST))
    assert (found[0][0], found[-1][1]) == (START, until)
    assert all(end == start for (_, end), (start, _) in pairwise(found))
    assert all(LEAST <= end - start <= LONGEST for start, end in found)


def test_of_several_changes_the_last_one_counts(tmp_path: Path) -> None:
    first = window_file(tmp_path / "1.gz", [change("a"), change("b"), change("c")], place=0)
    second = window_file(tmp_path / "2.gz", [change("b", put=False), change("d")], place=1)
    path = tmp_path / "changes.jsonl"
    assert list_later_writes([second, first], path, NoProgress()) == LaterWrites(
        written=3, deleted=1
    )
    assert listed(path) == {"a": "written", "b": "deleted", "c": "written", "d": "written"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["1.gz", "2.gz", "changes.jsonl"]


def test_what_time_to_live_deletes_is_no_write(tmp_path: Path) -> None:
    now = int(START.timestamp())
    ends = {"due": now - 1, "not due": now + 1, "left alone": now - 6 * 365 * 86_400}
    gone = [
        {**change(key, put=False), "OldImage": {"id": {"S": key}, "ends": {"N": str(moment)}}}
        for key, moment in ends.items()
    ]
    gone.append({**change("no end", put=False), "OldImage": {"id": {"S": "no end"}}})
    file = replace(window_file(tmp_path / "1.gz", gone, place=0), view="NEW_AND_OLD_IMAGES")
    path = tmp_path / "changes.jsonl"
    ttl = Ttl(attribute="ends", now=now)
    assert list_later_writes([file], path, NoProgress(), ttl=ttl) == LaterWrites(
        written=0, deleted=3, expired=1
    )
    assert listed(path) == dict.fromkeys(["left alone", "no end", "not due"], "deleted")


def test_no_change_is_an_empty_list(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl"
    assert list_later_writes([], path, NoProgress()) == LaterWrites(written=0, deleted=0)
    assert path.read_bytes() == b""


def test_a_line_that_is_no_change_is_named(tmp_path: Path) -> None:
    file = window_file(tmp_path / "1.gz", [change("a"), {"Item": {"id": {"S": "a"}}}], place=0)
    with pytest.raises(CheckFailed, match=r"1\.gz: line 2 is not a change to an item"):
        list_later_writes([file], tmp_path / "changes.jsonl", NoProgress())


def test_a_time_shorter_than_an_export_may_cover_is_waited_for(tmp_path: Path) -> None:
    text = (
        (SPECS / "orders.migrate.yaml")
        .read_text("utf-8")
        .replace("table: orders\n  key:", "table: orders-v2\n  key:")
    )
    text = text.replace("strategy: replace", "strategy: side-by-side").replace(
        "  freeze: resource-policy\n", "  freeze: none\n"
    )
    spec = tmp_path / "beside.migrate.yaml"
    spec.write_text(text, "utf-8")
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "orders.jsonl").write_bytes(
        (SPECS / "seeds" / "orders.jsonl").read_bytes()
    )
    with running(spec, tmp_path) as run:
        run.until("changes")
        (step,) = (step for step in run.world.plan.steps if isinstance(step, ListChanges))
        since = run.world.evidence(step.since).export_time
        run.client.put_item(TableName="orders", Item={"order_id": {"S": "late"}})
        passed = run.aws.tables.service_time("orders") - since
        least = int(passed.total_seconds()) + 3
        found = list_changes(replace(step, least_seconds=least), run.world)
    assert found.until - since >= timedelta(seconds=least)
    assert (found.written, found.deleted) == (1, 0)
