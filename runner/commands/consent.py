"""Consent to what a run deletes: given on the command line, or asked for at the terminal."""

from dataclasses import dataclass

import click

from retable.runner.commands.carry_out import Approval
from retable.runner.failure import Refused
from retable.runner.plan.export_steps import ItemsMapped
from retable.runner.plan.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the command line allows."""

    yes: bool
    allow_delete: str | None
    allow_unfrozen: str | None = None
    terminal: bool


def require_consent(deletes: str | None, consent: Consent, unfrozen: str | None = None) -> None:
    """Refuse, before anything starts, a run that could not be approved later.

    ``unfrozen`` is a table that would be deleted while writers may still write to it.

    Raises:
        Refused: a delete is not allowed by name, or there is no terminal to prompt at.
    """
    if unfrozen is not None and consent.allow_unfrozen != unfrozen:
        message = f"this run deletes the table {unfrozen} while its writers may still write to it; "
        message += "what they write after the export is lost"
        hint = "remove freeze: none from the spec; or, where nothing writes to it, "
        raise Refused(message, hint + f"add --allow-unfrozen {unfrozen}")
    if unfrozen is None and consent.allow_unfrozen is not None:
        message = f"--allow-unfrozen {consent.allow_unfrozen}: this run deletes no unfrozen table"
        raise Refused(message, "leave the option out")
    if deletes is not None and consent.allow_delete != deletes:
        message = f"this run deletes the table {deletes}, which was not allowed"
        raise Refused(message, f"add --allow-delete {deletes}")
    if deletes is None and consent.allow_delete is not None:
        message = f"--allow-delete {consent.allow_delete}: this run deletes no table"
        raise Refused(message, "leave the option out")
    if not consent.yes and not consent.terminal:
        message = "the plan needs approval, and there is no terminal to prompt at"
        raise Refused(message, "add --yes")


def approval(consent: Consent) -> Approval:
    """Return what asks for approval: the terminal, or the flag that was given."""

    def ask(plan: Plan, figures: ItemsMapped | None) -> str | None:
        if consent.yes:
            return "--yes"
        if figures is not None:
            click.echo(
                f"{figures.read:,} items read, {figures.kept:,} kept, "
                f"{figures.dropped:,} dropped, {figures.rejected:,} rejected.",
                err=True,
            )
        verb = "rebuild" if plan.command == "run" else "restore"
        what = f"Delete and {verb} {plan.deletes}" if plan.deletes else f"Create {plan.target}"
        return "terminal" if click.confirm(f"{what}?", default=False, err=True) else None

    return ask
