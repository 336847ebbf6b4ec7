"""Each folder of ``tests/cases/report`` holds what every renderer makes of its report.

``UPDATE_CASES=1`` rewrites the files, to be read in review.
"""

import os
from pathlib import Path

import pytest

from retable.runner.report.formats import FILES
from retable.runner.report.json import read_report
from support.checkout import ROOT

CASES = sorted(path.parent for path in (ROOT / "tests/cases/report").glob("*/report.json"))
GOLDEN = sorted(name for files in FILES.values() for name in files if name != "summary.md")


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.parametrize("folder", CASES, ids=lambda folder: folder.name)
def test_a_report_reads_as_written_in_its_case(folder: Path, name: str) -> None:
    renderer = next(files[name] for files in FILES.values() if name in files)
    made = renderer(read_report(folder / "report.json"))
    golden = folder / name
    if os.environ.get("UPDATE_CASES"):
        golden.write_bytes(made)
    assert made.decode("utf-8") == golden.read_text("utf-8")
