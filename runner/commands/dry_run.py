"""A dry run: every item of a finished export, or a sample, mapped and judged."""

from collections.abc import Callable
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.commands.carry_out import carry_out
from retable.runner.commands.connect import connector, environment
from retable.runner.commands.report_files import ReportOptions
from retable.runner.commands.start_folder import start_folder
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_dry_run, compile_files_dry_run
from retable.runner.planning.observe import available_export, available_incrementals, require_export
from retable.runner.spec.own_functions import require_allowed
from retable.runner.spec.unsupported import require_supported, unsupported_for_dry_run
from retable.schema.spec import Spec


def dry_run_spec(
    spec: Spec, run_dir: Path, reports: ReportOptions, *, sandbox: bool, sample: int | None = None
) -> None:
    """Map every item of the available export, or ``sample`` of them, and judge the figures.

    It writes to no table.

    Raises:
        Refused: there is no finished export.
        CheckFailed: the export or the figures are wrong.
    """
    require_supported(unsupported_for_dry_run(spec))
    require_allowed(spec)
    with environment(spec, sandbox=sandbox) as environ:
        connect = connector(spec, environ)
        plan = _dry_run_plan(spec, connect, sample)
        carry_out(spec, plan, start_folder(plan, run_dir), connect, lambda *_: None, reports)


def _dry_run_plan(spec: Spec, connect: Callable[[], Aws], sample: int | None) -> Plan:
    """Return the plan of a dry run over the available export, or ``sample`` of its items."""
    if spec.source.export.kind == "files":
        return compile_files_dry_run(spec, sample)
    export = require_export(available_export(spec, connect, SystemClock(), None), spec)
    return compile_dry_run(spec, export, available_incrementals(spec, connect, export), sample)
