"""Verifying outside of a run: which export the table is compared with."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.commands.carry_out import carry_out
from retable.runner.commands.connect import connector
from retable.runner.commands.report_files import ReportOptions
from retable.runner.commands.start_folder import start_folder
from retable.runner.commands.state_option import State, looked_up
from retable.runner.failure import Refused
from retable.runner.plan.encoding import read_plan
from retable.runner.plan.head import read_head
from retable.runner.plan.target_steps import AnyLoad
from retable.runner.planning.compile import compile_verification
from retable.runner.planning.compile_target import target_export
from retable.runner.planning.observe import available_export, available_incrementals
from retable.runner.runs.folder import RunFolder, open_folder, runs_of
from retable.runner.runs.journal import evidence_in, is_completed, read_journal
from retable.runner.runs.local_lock import locked
from retable.runner.spec.own_functions import require_allowed
from retable.runner.spec.unsupported import unsupported_for_dry_run
from retable.schema.spec import Spec

NEEDED = frozenset(["quarantine", "scan", "converted"])
"""The parts of a run folder that say what the table was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The export that a table was made from."""

    location: str
    export_id: str
    incrementals: tuple[str, ...]
    run_id: str | None


def verify_spec(
    spec: Spec,
    run_dir: Path,
    run_id: str | None,
    reports: ReportOptions,
    state: State | None = None,
) -> None:
    """Map the export again and compare it with the target table.

    The run that loaded it is looked for in ``state``, or in the run dir.

    Raises:
        Refused: it is not known which export the table was made from.
        CheckFailed: the two differ.
    """
    require_allowed(spec)
    missing = unsupported_for_dry_run(spec)
    if missing:
        message = "this version cannot verify: " + "; ".join(missing)
        raise Refused(message)
    connect = connector(spec, os.environ)
    with looked_up(state, run_dir, connect, run_id) as runs:
        loaded = _loaded(spec, runs, run_id, connect)
    if loaded.run_id is not None:
        folder = RunFolder(run_dir / loaded.run_id)
        if state is not None:
            with locked(run_dir, spec.target.table, folder.run_id):
                state.runs(connect).fetch(folder, only=NEEDED)
        loaded = replace(loaded, location=folder.locate(loaded.location))
    read = None
    if spec.verify.read == "export" and reports.only_key is None:
        read = target_export(spec, sandbox=connect().is_sandbox())
    plan = compile_verification(
        spec, loaded.export_id, loaded.incrementals, loaded.location, loaded.run_id, read=read
    )
    carry_out(spec, plan, start_folder(plan, run_dir), connect, lambda *_: None, reports)


def _loaded(spec: Spec, run_dir: Path, run_id: str | None, connect: Callable[[], Aws]) -> Loaded:
    """Return what the table was made from, by the run named, the newest finished one or the spec.

    Raises:
        Refused: none of them says.
    """
    folders = runs_of(run_dir, spec.name) if run_id is None else [open_folder(run_dir, run_id)]
    for folder in folders:
        found = _loaded_by(folder, is_named=run_id is not None)
        if found is not None:
            return found
    requested = spec.source.export
    if run_id is None and requested.id is not None and requested.location is not None:
        export = available_export(spec, connect, SystemClock(), None)
        added = available_incrementals(spec, connect, export)
        return Loaded(
            location=requested.location,
            export_id=requested.id,
            incrementals=tuple(export.id for export in added),
            run_id=None,
        )
    message = f"no finished run of {spec.name} in {run_dir}, and source.export.id names no export"
    raise Refused(message, "name the run dir with --run-dir, or an export by source.export.id")


def _loaded_by(folder: RunFolder, *, is_named: bool) -> Loaded | None:
    """Return what a run loaded, or ``None`` if it did not finish a load.

    Raises:
        Refused: another version of the program finished it, or it was named and is of one.
    """
    head = read_head(folder.plan)
    if head is None or head.command != "run":
        return None
    finished = folder.journal.is_file() and is_completed(read_journal(folder.journal))
    if not (head.is_readable or finished or is_named):
        return None
    plan = read_plan(folder.plan)
    loads = [step for step in plan.steps if isinstance(step, AnyLoad)]
    if not loads or not folder.journal.is_file():
        return None
    records = read_journal(folder.journal)
    if not is_completed(records) and evidence_in(records, loads[0]) is None:
        return None
    check = plan.at(plan.at(loads[0].dry_run).check)
    export = evidence_in(records, plan.at(check.export))
    if export is None:
        return None
    return Loaded(
        location=export.location,
        export_id=export.export_id,
        incrementals=export.incrementals,
        run_id=folder.run_id,
    )
