"""Risks in a spec that is valid: MIG330, MIG331, MIG336 and MIG339."""

from collections.abc import Iterator

from retable.runner.lint.subject import Subject
from retable.schema.problem import Problem
from retable.schema.rules import Rule
from retable.schema.spec import Percentage, Provisioned, Setting

MANY_PERCENT = 1
_PROTECTIONS: tuple[Setting, ...] = ("point_in_time_recovery", "deletion_protection")


def check_safety(subject: Subject) -> Iterator[Problem]:
    """Yield what a reviewer should know before the table is rebuilt this way."""
    spec = subject.spec
    rejects = spec.transform.max_rejects
    if isinstance(rejects, Percentage) and rejects.percent > MANY_PERCENT:
        message = f"max_rejects lets {rejects.percent}% of all items be rejected"
        hint = f"at most {MANY_PERCENT}% is usual; drop unneeded items with where"
        yield subject.at(Rule.MANY_REJECTS, ("transform", "max_rejects"), message, hint=hint)
    if spec.target.settings != "keep":
        for setting in _PROTECTIONS:
            if spec.target.settings.get(setting) is False:
                message = f"the new table has no {setting.replace('_', ' ')}"
                hint = "remove it to keep the source's setting"
                path = ("target", "settings", setting)
                yield subject.at(Rule.UNPROTECTED, path, message, hint=hint)
    if spec.rebuild.strategy == "replace":
        message = f"{spec.target.table} is deleted before the new table is loaded and verified"
        hint = "side-by-side keeps it until then; use replace only if the name must stay"
        yield subject.at(Rule.REPLACES, ("rebuild", "strategy"), message, hint=hint)
    rate, billing = spec.load.rate, spec.target.billing
    if isinstance(rate, int) and isinstance(billing, Provisioned) and rate > billing.write:
        message = f"the target writes {billing.write:,} units a second; rate is {rate:,}"
        others = (subject.label(("target", "billing"), "what the target can write"),)
        hint = "DynamoDB throttles a rate above the capacity"
        yield subject.at(
            Rule.RATE_OVER_CAPACITY, ("load", "rate"), message, hint=hint, others=others
        )
