"""Each fault of an export, in each format, through the installed command: found, named, fatal."""

import json
import re
from pathlib import Path

import pytest

from support.command import migrate
from support.exports import MadeExport, make_export, packed
from support.faults import FAULTS
from support.history import busy_history

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/{}"
SPEC = """
spec: 1
name: things
source:
  table: {table}
  region: eu-west-1
  export: {{kind: native, location: {location}, {more}}}
target:
  table: things-v2
  key: {{partition: {{name: id, type: {kind}}}}}
"""


def events(folder: Path) -> list[dict[str, str]]:
    """Return the journal of the only run, if one began."""
    lines = [p.read_text("utf-8") for p in folder.glob(".migrate/*/journal.jsonl")]
    return [json.loads(line) for text in lines for line in text.splitlines()]


def require_stopped(folder: Path, spec: Path, says: str) -> None:
    """The dry run exits 1, says what it found, and has marked no mapping as done."""
    ended = migrate("run", spec, "--dry-run", cwd=folder)
    assert ended.code == 1, ended.err
    assert re.search(says, ended.err), ended.err
    done = {event["step"] for event in events(folder) if event["event"] == "done"}
    assert not {step for step in done if step.startswith(("check", "merge", "dry-run"))}


@pytest.mark.parametrize("form", ["DYNAMODB_JSON", "ION"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_damaged_full_export_exits_1_and_is_named(tmp_path: Path, fault: str, form: str) -> None:
    made = make_export(
        tmp_path / "exports",
        40,
        table_arn=ARN.format("orders"),
        output_format=form,  # type: ignore[arg-type]  # one of the two
    )
    name = made.data(1).name
    FAULTS[fault].damage(made, 1)
    spec = tmp_path / "things.migrate.yaml"
    more = f"id: {made.id}, format: {'ion' if form == 'ION' else 'dynamodb-json'}"
    text = SPEC.format(table="orders", location="exports", more=more, kind="N")
    spec.write_text(text, "utf-8")
    require_stopped(tmp_path, spec, FAULTS[fault].says.replace("{file}", re.escape(name)))


@pytest.mark.parametrize("fault", ["truncated", "flipped byte", "wrong count", "missing file"])
def test_a_damaged_incremental_export_exits_1_and_is_named(tmp_path: Path, fault: str) -> None:
    history = busy_history(tmp_path / "exports", ARN.format("things"))
    full = history.full(10)
    window: MadeExport = history.window(10, 20)
    number = next(n for n, entry in enumerate(window.entries()) if entry["itemCount"])
    name = window.data(number).name
    FAULTS[fault].damage(window, number)
    spec = tmp_path / "things.migrate.yaml"
    more = f"id: {full.id}, incrementals: [{window.id}]"
    spec.write_text(SPEC.format(table="things", location="exports", more=more, kind="S"), "utf-8")
    require_stopped(tmp_path, spec, FAULTS[fault].says.replace("{file}", re.escape(name)))


def test_extra_files_and_several_members_are_no_fault(tmp_path: Path) -> None:
    made = make_export(tmp_path / "exports", 40, table_arn=ARN.format("orders"))
    lines = [b'{"Item":{"id":{"N":"%d"}}}' % (1000 + number) for number in range(30)]
    made.set_data(packed(lines, members=7), len(lines), 1)
    (made.folder / "data" / "extra.json.gz").write_bytes(packed(lines))
    spec = tmp_path / "things.migrate.yaml"
    more = f"id: {made.id}"
    spec.write_text(SPEC.format(table="orders", location="exports", more=more, kind="N"), "utf-8")
    ended = migrate("run", spec, "--dry-run", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert ended.report["counts"]["kept"] == made.open().item_count
