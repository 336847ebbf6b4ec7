"""Running a spec from the start. ``cli.run`` reads the flags."""

from pathlib import Path

from retable.runner.clock import SystemClock
from retable.runner.commands.carry_out import carry_out
from retable.runner.commands.connect import connector, environment
from retable.runner.commands.consent import Consent, approval, require_consent
from retable.runner.commands.report_files import ReportOptions
from retable.runner.commands.show_plan import show_plan
from retable.runner.commands.start_folder import planning, start_folder
from retable.runner.commands.state_option import State
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.observe import observe
from retable.runner.runs.saved_plan import read_saved_plan, require_same
from retable.runner.spec.own_functions import require_allowed
from retable.runner.spec.unsupported import require_supported, unsupported
from retable.schema.spec import Spec


def run_spec(  # noqa: PLR0913 -- what to run, where, with whose consent, reported how
    spec: Spec,
    run_dir: Path,
    consent: Consent,
    reports: ReportOptions,
    state: State | None = None,
    *,
    sandbox: bool,
    plan_file: Path | None = None,
) -> None:
    """Plan and carry out a new run, or the one that was planned in ``plan_file``.

    It is kept in S3 too where ``state`` says so.

    Raises:
        Refused: something prevents it; nothing was changed.
        Stale: the plan in the file was already used, or no longer matches.
        Failure: what ended the run.
    """
    saved = None if plan_file is None else read_saved_plan(plan_file, spec, run_dir)
    require_supported(unsupported(spec))
    require_allowed(spec)
    if spec.rebuild.strategy != "recover":
        require_consent(_deleted_by(spec), consent, _deleted_unfrozen_by(spec))
    with environment(spec, sandbox=sandbox) as environ, planning(run_dir) as planned:
        connect = connector(spec, environ)
        observed = observe(
            spec, connect(), SystemClock(), planned, state.address if state else None
        )
        plan, plan_id = compile_plan(spec, observed), None
        require_supported(plan.unsupported)
        if saved is not None and plan_file is not None:
            require_same(saved[0], plan, plan_file)
            plan, plan_id = saved
        show_plan(plan, spec)
        require_consent(plan.deletes, consent, plan.deletes_unfrozen)
        keeper = state.keeper(connect) if state is not None else None
        folder = start_folder(plan, run_dir, plan_id, planned)
        approve = approval(consent)
        carry_out(
            spec, plan, folder, connect, approve, reports, resumable=not sandbox, keeper=keeper
        )


def _deleted_by(spec: Spec) -> str | None:
    """Return the table that a run of ``spec`` deletes."""
    return spec.target.table if spec.rebuild.strategy == "replace" else None


def _deleted_unfrozen_by(spec: Spec) -> str | None:
    """Return the table that a run of ``spec`` deletes while writers may still write to it."""
    return _deleted_by(spec) if spec.rebuild.freeze == "none" else None
