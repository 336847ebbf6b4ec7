"""A dry run: every item of a finished export, or a sample, mapped and judged."""

from collections.abc import Callable
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.clock import SystemClock
from retable.runner.commands.carry_out import carry_out
from retable.runner.commands.connect import connector, environment
from retable.runner.commands.report_files import Wanted
from retable.runner.commands.start_folder import start_folder
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_dry_run, compile_files_dry_run
from retable.runner.planning.observe import export_at_hand, incrementals_at_hand, require_export
from retable.runner.spec.own_functions import require_allowed
from retable.runner.spec.unsupported import require_supported, unsupported_for_dry_run
from retable.schema.spec import Spec


def dry_run_spec(
    spec: Spec, run_dir: Path, wanted: Wanted, *, sandbox: bool, sample: int | None = None
) -> None:
    """Map every item of the export at hand, or ``sample`` of them, and judge the figures.

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
        carry_out(spec, plan, start_folder(plan, run_dir), connect, lambda *_: None, wanted)


def _dry_run_plan(spec: Spec, connect: Callable[[], Aws], sample: int | None) -> Plan:
    """Return the plan of a dry run over what is at hand, or over ``sample`` of its items."""
    if spec.source.export.kind == "files":
        return compile_files_dry_run(spec, sample)
    export = require_export(export_at_hand(spec, connect, SystemClock(), None), spec)
    return compile_dry_run(spec, export, incrementals_at_hand(spec, connect, export), sample)
