"""Compares every captured setting with what the rebuilt table has at the end."""

from collections.abc import Iterator

from retable.runner.failure import CheckFailed
from retable.runner.plan.finish_steps import Compared, CompareSettings, SettingsCompared
from retable.runner.report.model import Check
from retable.runner.runs.journal import COMPARED
from retable.runner.steps.create_table import require_created_table
from retable.runner.steps.wait import patiently
from retable.runner.steps.world import World
from retable.runner.verify.settings_differences import Setting, Wanted, settings_on_both_sides

SHOWING_SECONDS = 30.0
"""How long a change may take to show: reads of policies, tags and TTL are eventually consistent."""


def compare_settings(step: CompareSettings, world: World) -> SettingsCompared:
    """Compare the target's settings with the plan's; the report names those that differ.

    Raises:
        CheckFailed: one that this run was to set differs.
    """
    name = require_created_table(step.create, world).name
    planned = _planned(step, world)
    found: list[Setting] = []
    for _ in patiently(world, SHOWING_SECONDS, "the settings to show"):
        settings = world.aws.tables.settings(name)
        found = list(settings_on_both_sides(planned, settings)) if settings else []
        if found and not _faults(found):
            break
    faults = _faults(found)
    remarks = tuple(_remarks(found))
    world.journal.note(step, COMPARED, Compared(checks=tuple(_checks(found)), remarks=remarks))
    if faults or not found:
        what = ", ".join(setting.name for setting in faults) or "all of them"
        message = f"settings of {name} differ from the plan: {what}"
        raise CheckFailed(message, "the report lists each; correct them, then resume")
    return SettingsCompared(settings=len(found), different=len(remarks))


def _planned(step: CompareSettings, world: World) -> Wanted:
    """Return the settings that the plan's steps give the table."""
    plan, fence = world.plan, world.plan.at(step.fence)
    source = plan.settings
    return Wanted(
        request=plan.at(step.create).request,
        settings=plan.at(step.settings),
        attached=step.attached,
        policy=source.policy if fence.declared and source else fence.policy,
        declared=fence.declared,
    )


def _faults(found: list[Setting]) -> list[Setting]:
    return [setting for setting in found if setting.held and not setting.same]


def _checks(found: list[Setting]) -> Iterator[Check]:
    """Yield one check over all settings, and one for each that is at fault."""
    faults = _faults(found)
    yield Check(
        name="settings",
        outcome="failed" if faults or not found else "passed",
        expected=len(found),
        actual=len(found) - len(faults),
    )
    for setting in faults:
        yield Check(
            name=f"setting {setting.name}",
            outcome="failed",
            expected=setting.wanted,
            actual=setting.found,
        )


def _remarks(found: list[Setting]) -> Iterator[str]:
    """Yield the differences that are not the run's fault, in words."""
    for setting in found:
        if not setting.same and not setting.held:
            yield (
                f"{setting.name} of the new table: {setting.found}; "
                f"the old one had {setting.wanted}"
            )
