"""Uses finished exports; whether they are whole is ``check_export``'s."""

from retable.runner.plan.export_steps import ExportFinished, UseExport
from retable.runner.steps.world import World


def use_export(step: UseExport, world: World) -> ExportFinished:
    """Name the finished exports that are used."""
    del world
    return ExportFinished(
        export_id=step.export_id, location=step.location, incrementals=step.incrementals
    )
