"""The run folder: it holds everything that a run writes on this machine."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from retable.runner.failure import Refused

RUN_ID = re.compile(r"[0-9a-f]{4}-[0-9a-f]{4}")
OWN = "run:"
"""The prefix of a path relative to the run folder, wherever that is."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of one run, below ``<run-dir>/<run-id>/``."""

    path: Path

    @property
    def run_id(self) -> str:
        """Return the run's id, which is the folder's name."""
        return self.path.name

    @property
    def plan(self) -> Path:
        """Return the plan's file."""
        return self.path / "plan.json"

    @property
    def spec_note(self) -> Path:
        """Return the file with the spec's path on this machine."""
        return self.path / "spec.path"

    @property
    def journal(self) -> Path:
        """Return the journal's file."""
        return self.path / "journal.jsonl"

    @property
    def report(self) -> Path:
        """Return the report's file."""
        return self.path / "report.json"

    @property
    def diff(self) -> Path:
        """Return the file that lists every differing item."""
        return self.path / "diff.jsonl"

    @property
    def changes(self) -> Path:
        """Return the file that lists the keys of items written after the export."""
        return self.path / "changes.jsonl"

    @property
    def spool(self) -> Path:
        """Return the folder of data files fetched from S3."""
        return self.path / "spool"

    @property
    def scan(self) -> Path:
        """Return the folder of exports by scan, and of notes about them."""
        return self.path / "scan"

    @property
    def converted(self) -> Path:
        """Return the folder of the export that was made from foreign files."""
        return self.path / "converted"

    @property
    def merge(self) -> Path:
        """Return the folder with the list of lines that incremental exports replace."""
        return self.path / "merge"

    def portable(self, path: Path) -> str:
        """Return a name for ``path``, in this folder, that is valid on another machine."""
        return OWN + path.relative_to(self.path).as_posix()

    def locate(self, text: str) -> str:
        """Return the location that ``text`` names; resolve a portable name, keep any other."""
        if not text.startswith(OWN):
            return text
        return str((self.path / text.removeprefix(OWN)).resolve())

    @property
    def assemblies(self) -> Path:
        """Return the folder of the assemblies synthesized while planning, one for each state."""
        return self.path / "assemblies"

    def assembly(self, variant: str) -> Path:
        """Return the folder of the assembly for one state of the app."""
        return self.assemblies / variant

    @property
    def logs(self) -> Path:
        """Return the folder with the output of CDK's command line."""
        return self.path / "logs"

    @property
    def quarantine(self) -> Path:
        """Return the folder of rejected and quarantined items, each with its reason."""
        return self.path / "quarantine"

    @property
    def ledger(self) -> Path:
        """Return the folder that holds the ledgers."""
        return self.path / "ledger"

    def expected(self, role: str) -> Path:
        """Return the ledger of one pass over an export; ``expected`` is the one that is loaded."""
        return self.ledger / ("rehearsal" if role == "rehearsal" else "expected")

    def portrait(self, role: str) -> Path:
        """Return the file with the portrait of the items of one pass."""
        return self.expected(role) / "portrait.json"

    @property
    def explorable(self) -> Path:
        """Return the DuckDB file for exploring the run by hand."""
        return self.path / "explore.duckdb"

    @property
    def differences(self) -> Path:
        """Return the file with the attributes in which the first differing items differ."""
        return self.ledger / "differences.json"

    @property
    def expired(self) -> Path:
        """Return the file of expected items that time to live has deleted since."""
        return self.ledger / "expired.jsonl"

    @property
    def source(self) -> Path:
        """Return the folder of exported items that were written out for the spec's queries."""
        return self.ledger / "source"

    @property
    def actual(self) -> Path:
        """Return the ledger of the rebuilt table."""
        return self.ledger / "actual"


def new_folder(run_dir: Path, run_id: str) -> RunFolder:
    """Create the folder of a new run.

    Raises:
        Refused: the folder exists already, or cannot be created.
    """
    folder = RunFolder(run_dir / run_id)
    try:
        folder.path.mkdir(parents=True)
        folder.quarantine.mkdir()
        folder.ledger.mkdir()
    except OSError as error:
        message = f"the run folder {folder.path} cannot be created: {error.strerror}"
        raise Refused(message, "choose another folder with --run-dir") from error
    return folder


def open_folder(run_dir: Path, run_id: str) -> RunFolder:
    """Return the folder of an existing run.

    Raises:
        Refused: ``run_id`` is malformed, or there is no such run here.
    """
    folder = RunFolder(run_dir / run_id)
    # The id comes from the command line: it must not escape the run dir.
    if not RUN_ID.fullmatch(run_id) or not folder.plan.is_file():
        message = f"there is no run {run_id!r} in {run_dir}"
        raise Refused(message, "migrate status lists the runs; --run-dir names their folder")
    return folder


def runs_of(run_dir: Path, spec_name: str | None = None) -> list[RunFolder]:
    """Return the runs in ``run_dir`` (of the spec called ``spec_name``), newest first."""
    found = [
        (path.stat().st_mtime_ns, path.parent.name)
        for path in run_dir.glob("*/plan.json")
        if RUN_ID.fullmatch(path.parent.name) and spec_name in (None, _spec_name(path))
    ]
    return [RunFolder(run_dir / name) for _, name in sorted(found, reverse=True)]


def _spec_name(plan: Path) -> str | None:
    """Return the name of the spec a plan was made from; ``None`` if the plan cannot be read."""
    try:
        return str(json.loads(plan.read_bytes())["spec_name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
