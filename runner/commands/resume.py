"""Resuming a run that was stopped or killed."""

from pathlib import Path

from retable.runner.commands.carry_out import carry_out
from retable.runner.commands.connect import connector, environment
from retable.runner.commands.consent import Consent, approval, require_consent
from retable.runner.commands.open_run import open_run
from retable.runner.commands.report_files import ReportOptions
from retable.runner.commands.state_option import State
from retable.runner.spec.own_functions import require_allowed
from retable.schema.spec import Spec


def resume_run(  # noqa: PLR0913, PLR0917 -- what to resume, where, with whose consent, reported how
    spec: Spec,
    run_dir: Path,
    run_id: str | None,
    consent: Consent,
    reports: ReportOptions,
    state: State | None = None,
) -> None:
    """Resume a run that was stopped.

    Raises:
        Stale: the spec has changed since, or the run has ended.
        Failure: what ended the run.
    """
    with environment(spec, sandbox=False) as environ:
        connect = connector(spec, environ)
        folder, plan = open_run(spec, run_dir, run_id, state, connect)
        require_allowed(spec)
        require_consent(plan.deletes, consent, plan.deletes_unfrozen)
        keeper = state.keeper(connect) if state is not None else None
        carry_out(spec, plan, folder, connect, approval(consent), reports, keeper=keeper)
