"""Where runs stand, those of another version of the program included."""

import json
from pathlib import Path

import pytest

from retable.runner.failure import Refused
from retable.runner.outcome.run_status import describe_run, list_runs
from retable.runner.plan.encoding import encode_plan, fingerprint
from retable.runner.planning.compile import compile_plan
from retable.runner.runs.folder import RunFolder, new_folder, runs_of
from retable.runner.runs.journal import RUN, Record, encode_record, open_journal
from support.builders import build_spec
from support.gate import StillClock
from support.observed import observed

SOURCE = {"table": "orders", "export": {"kind": "native", "location": "s3://acme-exports/t/"}}


def begun(tmp_path: Path, run_id: str) -> RunFolder:
    plan = compile_plan(build_spec(tmp_path, source=SOURCE), observed())
    folder = new_folder(tmp_path / ".migrate", run_id)
    folder.plan.write_bytes(encode_plan(plan))
    with open_journal(folder.journal, fingerprint(plan), StillClock()) as journal:
        journal.record(plan.steps[0].id, "begun")
    return folder


def of_an_earlier_version(folder: RunFolder, *events: str) -> None:
    """Make a run one of migrate 0.1."""
    body = json.loads(folder.plan.read_bytes())
    folder.plan.write_text(json.dumps({**body, "format_version": 1}), "utf-8")
    records = (
        Record(number=number, at="2026-11-23", step=RUN, event=event, data={})
        for number, event in enumerate(("opened", *events), 1)
    )
    folder.journal.write_bytes(b"".join(map(encode_record, records)))


def test_runs_are_listed_with_how_far_they_are(tmp_path: Path) -> None:
    begun(tmp_path, "0000-0001")
    (line,) = list_runs(runs_of(tmp_path / ".migrate"))
    assert line.startswith("0000-0001  run      things                   open, 0 of ")


def test_a_run_of_an_earlier_version_does_not_hide_the_others(tmp_path: Path) -> None:
    of_an_earlier_version(begun(tmp_path, "0000-0001"))
    of_an_earlier_version(begun(tmp_path, "0000-0002"), "completed")
    of_an_earlier_version(begun(tmp_path, "0000-0003"), "ended")
    begun(tmp_path, "0000-0004")
    lines = sorted(list_runs(runs_of(tmp_path / ".migrate")))
    assert "of format 1: migrate 0.1 can finish it" in lines[0]
    assert "completed" in lines[1]
    assert "rolled back" in lines[2]
    assert "open, 0 of" in lines[3]


def test_the_steps_of_a_run_of_an_earlier_version_are_refused(tmp_path: Path) -> None:
    folder = begun(tmp_path, "0000-0001")
    of_an_earlier_version(folder)
    with pytest.raises(Refused) as refused:
        list(describe_run(folder))
    assert refused.value.message == (
        f"{folder.plan} has format 1, expected 2: only migrate 0.1 can finish what it belongs to"
    )


def test_a_plan_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = begun(tmp_path, "0000-0001")
    folder.plan.write_text("{", "utf-8")
    (line,) = list_runs(runs_of(tmp_path / ".migrate"))
    assert line == "0000-0001  its plan.json cannot be read"
