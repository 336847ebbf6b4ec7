"""The last look at a rebuilt table: every setting that was captured, against what it has now."""

from retable.runner.failure import CheckFailed
from retable.runner.plan.plan import (
    CreateTable,
    DeployTable,
    LiftFence,
    RestoreBackup,
    RestoreSettings,
)
from retable.runner.plan.plan_settings import CompareSettings
from retable.runner.steps.create import require_created_table
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import Evidence, World
from retable.runner.verify.settings_differences import Setting, Wanted, settings_on_both_sides

SHOWING_SECONDS = 30.0
"""How long a change may take to show: reads of policies, tags and TTL are eventually consistent."""


def compare_settings(step: CompareSettings, world: World) -> Evidence:
    """Hold the target's settings against the plan's; what differs is named in the report.

    Raises:
        CheckFailed: one that this run had to see to differs.
    """
    name = require_created_table(step.create, world).name
    wanted = _wanted(step, world)
    found: list[Setting] = []
    for _ in patiently(world, SHOWING_SECONDS, "the settings to show"):
        settings = world.aws.tables.settings(name)
        found = list(settings_on_both_sides(wanted, settings)) if settings else []
        if found and not _faults(found):
            break
    faults = _faults(found)
    world.journal.record(step.id, "compared", {"checks": _checks(found), "told": _told(found)})
    if faults or not found:
        what = ", ".join(setting.name for setting in faults) or "all of them"
        message = f"settings of {name} are not what they shall be: {what}"
        raise CheckFailed(message, "the report tells each; put them right, then resume")
    return {"settings": len(found), "different": len(_told(found))}


def _wanted(step: CompareSettings, world: World) -> Wanted:
    """Return what the plan's steps make of the table."""
    create, settings, fence = (
        world.plan.step(name) for name in (step.create, step.settings, step.fence)
    )
    if (
        not isinstance(create, CreateTable | DeployTable | RestoreBackup)
        or not isinstance(settings, RestoreSettings)
        or not isinstance(fence, LiftFence)
    ):
        raise TypeError(step)
    source = world.plan.settings
    return Wanted(
        request=create.request,
        settings=settings,
        attached=step.attached,
        policy=source.policy if fence.declared and source else fence.policy,
        declared=fence.declared,
    )


def _faults(found: list[Setting]) -> list[Setting]:
    return [setting for setting in found if setting.held and not setting.same]


def _checks(found: list[Setting]) -> list[dict[str, str | int | None]]:
    """Return one check over all settings, and one for each that is at fault."""
    faults = _faults(found)
    whole: dict[str, str | int | None] = {
        "name": "settings",
        "outcome": "failed" if faults or not found else "passed",
        "expected": len(found),
        "actual": len(found) - len(faults),
    }
    each: list[dict[str, str | int | None]] = [
        {
            "name": f"setting {setting.name}",
            "outcome": "failed",
            "expected": setting.wanted,
            "actual": setting.found,
        }
        for setting in faults
    ]
    return [whole, *each]


def _told(found: list[Setting]) -> list[str]:
    """Return what differs and is nobody's fault here, in words."""
    return [
        f"{setting.name} of the new table: {setting.found}; the old one had {setting.wanted}"
        for setting in found
        if not setting.same and not setting.held
    ]
