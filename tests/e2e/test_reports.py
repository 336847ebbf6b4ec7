"""Reports through the installed command: every format at once, and any of them again later."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from support.checkout import ROOT
from support.command import SPECS, Ended, migrate

SCHEMA = json.loads((ROOT / "schema/report.schema.json").read_bytes())
WRITTEN = ["comment.md", "junit.xml", "report.html", "report.json", "report.txt", "summary.md"]


@pytest.fixture(scope="module")
def dry(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    folder = tmp_path_factory.mktemp("dry")
    formats = "html, json,junit,markdown,text"
    ended = migrate(
        *("run", SPECS / "orders.migrate.yaml", "--sandbox", "--dry-run"),
        *("--report", formats, "--report-dir", "out/reports"),
        cwd=folder,
    )
    assert ended.code == 0, ended.err
    return ended


def test_every_format_that_was_asked_for_is_written(dry: Ended) -> None:
    out = dry.folder / "out/reports"
    assert sorted(path.name for path in out.iterdir()) == WRITTEN
    assert json.loads((out / "report.json").read_bytes()) == dry.report
    assert (out / "report.txt").read_text("utf-8").splitlines()[0] in dry.out


def test_the_report_of_a_real_run_is_valid(dry: Ended) -> None:
    Draft202012Validator(SCHEMA).validate(dry.report)


def test_a_report_can_be_had_again_in_every_format(dry: Ended) -> None:
    out = dry.folder / "out/reports"
    names = {"json": "report.json", "junit": "junit.xml", "html": "report.html"}
    for form, name in {**names, "markdown": "comment.md", "text": "report.txt"}.items():
        again = migrate("report", dry.report["run_id"], "--format", form, cwd=dry.folder)
        assert again.code == 0, again.err
        assert again.out == (out / name).read_text("utf-8")
    ET.parse(out / "junit.xml")  # noqa: S314 -- what we just wrote


def test_a_format_that_does_not_exist_is_refused_before_anything_runs(tmp_path: Path) -> None:
    spec = SPECS / "orders.migrate.yaml"
    ended = migrate("run", spec, "--sandbox", "--dry-run", "--report", "html,pdf", cwd=tmp_path)
    assert ended.code == 2
    assert "there is no report format 'pdf'" in ended.err
    assert not list(tmp_path.iterdir())
