"""Proves from templates alone that a deployment does the intended to a table, and nothing else.

Everything here is pure: templates in, findings out. What is deployed is always the template that
CloudFormation has, never what the app would synthesize today, so no pending change can hide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from retable.runner.cdk.cdk_finding import Finding, Weight
from retable.runner.cdk.difference import Change, changes
from retable.runner.cdk.implied_changes import other_differences
from retable.runner.cdk.references import dependents, needed_by
from retable.runner.cdk.template import STACK, Part, Template, parts

LIVE_PROPERTIES = frozenset(
    [
        "KinesisStreamSpecification",
        "ResourcePolicy",
        "StreamSpecification",
        "TimeToLiveSpecification",
    ]
)
"""What the final template may change: streams, their consumers, TTL, the policy."""
REPLICAS = "Replicas"
"""Where a global table has its policy and its Kinesis stream, per replica."""
FIXED_PROPERTIES = frozenset(
    [
        "AttributeDefinitions",
        "GlobalTableSourceArn",
        "ImportSourceSpecification",
        "KeySchema",
        "LocalSecondaryIndexes",
        "TableName",
    ]
)
"""Properties that need a replacement, or cannot change (CloudFormation's resource schemas)."""


def prove_removal(deployed: Template, absent: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``absent`` would do besides removing the table at address ``table``."""
    before = parts(deployed)
    if table not in before:
        yield _missing("deployed", table)
    elif table in parts(absent):
        message = f"the absent template still has the table {before[table].shown}"
        hint = "its context must omit the table's construct"
        yield Finding(
            code="table-stays", subject=table, message=message, hint=hint, weight="refused"
        )
    else:
        found = changes(deployed, absent)
        yield from _Classifier("absent", deployed, absent, table).findings(found, "removed")


def prove_addition(before: Template, present: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``present`` would do besides adding the table at address ``table``."""
    if table not in parts(present):
        yield _missing("present", table)
    else:
        found = changes(before, present)
        yield from _Classifier("present", present, before, table).findings(found, "added")


def prove_nothing_pending(
    deployed: Template, last: Template, table: str | None, new_table: str
) -> Iterator[Finding]:
    """Yield what would differ at the end, besides the table, so that no pending change can hide.

    ``table`` is the table's address in what is deployed, ``new_table`` the one in ``last``.
    """
    own = {table, new_table} - {None}
    around = dependents(last, [new_table])
    if table is not None:
        around |= dependents(deployed, [table])
    for change in changes(deployed, last):
        if change.address in own:
            continue
        expected = change.address in around
        yield Finding(
            code="pending-change",
            subject=change.address,
            message=f"at the end, besides the table: {change}",
            hint=None if expected else "deploy pending changes first, or remove them from the app",
            weight="note" if expected else "acceptable",
        )


def prove_switches(
    present: Template, final: Template, table: str, *, frozen: bool
) -> Iterator[Finding]:
    """Yield what deploying ``final`` switches from another table to the new one.

    If the old table stays and is not ``frozen``, that loses writes to it during the run.
    """
    late = dependents(final, [table]) - dependents(present, [table])
    for change in changes(present, final):
        if change.kind == "changed" and change.address in late:
            yield Finding(
                code="switches",
                subject=change.address,
                message=f"the final template switches to the new table: {change}",
                hint="freeze the source; or deploy that yourself, once nothing writes to it",
                weight="note" if frozen else "acceptable",
            )


def prove_final(present: Template, final: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``final`` would do besides adding streams, consumers, TTL, policies."""
    if table not in parts(final):
        yield _missing("final", table)
        return
    consumers = dependents(final, [table])
    brought = consumers | needed_by(final, consumers)
    for change in changes(present, final):
        if change.address == table:
            yield from _judge_table(change)
        elif change.address not in (brought if change.kind == "added" else consumers):
            yield _final(change, "acceptable")


class _Classifier:
    """Separates what is removed or added with a table from a template's other changes."""

    def __init__(self, variant: str, fuller: Template, barer: Template, table: str) -> None:
        """Compare ``fuller``, which has the table, with ``barer``, which does not."""
        self._variant = variant
        self._fuller = parts(fuller)
        self._barer = parts(barer)
        self._table = table
        self._with = dependents(fuller, [table]) | {table}

    def findings(self, found: Sequence[Change], direction: str) -> Iterator[Finding]:
        """Classify each change; removed or added parts are changes of the kind ``direction``."""
        affected = frozenset(change.address for change in found if change.kind == direction)
        for change in found:
            address = change.address
            if change.kind == "changed":
                yield self._changed(change, affected)
            elif change.kind != direction or not self._needs_table(address):
                yield _other(self._variant, change)
            elif address != self._table:
                yield _along(change, f"with the table: {change}, which needs it")

    def _needs_table(self, address: str) -> bool:
        return address in self._with or _holds_only(self._fuller, address, self._with)

    def _changed(self, change: Change, affected: frozenset[str]) -> Finding:
        """Classify a part that exists both with the table and without it."""
        address = change.address
        places = other_differences(self._fuller[address], self._barer[address], affected)
        if places:
            return _other(self._variant, replace(change, properties=places))
        return _along(change, f"with the table: {change}, where it was named")


def _holds_only(found: Mapping[str, Part], address: str, removed: frozenset[str]) -> bool:
    """Return whether ``address`` is a nested stack that contains only ``removed``."""
    if found[address].type != STACK:
        return False
    inside = [other for other in found if other.startswith(f"{address}/")]
    return bool(inside) and removed.issuperset(inside)


def _along(change: Change, message: str) -> Finding:
    """Return the finding of a change that follows from the table's."""
    return Finding(code="goes-along", subject=change.address, message=message, weight="note")


def _missing(variant: str, table: str) -> Finding:
    message = f"the {variant} template has no {table}"
    return Finding(code="table-missing", subject=table, message=message, weight="refused")


def _other(variant: str, change: Change) -> Finding:
    """Return the finding of a change unrelated to the table."""
    return Finding(
        code="other-change",
        subject=change.address,
        message=f"the {variant} template makes an unrelated change: {change}",
        hint="deploy it on its own first, or make it independent of the context",
        weight="acceptable",
    )


def _judge_table(change: Change) -> Iterator[Finding]:
    """Yield the finding of a table that the final template changes in a way that it may not."""
    places = tuple(place for place in change.properties if not _is_live(place))
    if not places:
        return
    fixed = any(FIXED_PROPERTIES.intersection(_names(place)) for place in places)
    yield _final(replace(change, properties=places), "refused" if fixed else "acceptable")


def _is_live(place: str) -> bool:
    """Return whether a place is one that the final template may change."""
    names = _names(place)
    return bool(LIVE_PROPERTIES.intersection(names[1:] if names[:1] == [REPLICAS] else names[:1]))


def _names(place: str) -> list[str]:
    """Return the property, and what is below it, of ``Properties.Replicas[0].ResourcePolicy.X``."""
    return [name.partition("[")[0] for name in place.split(".")[1:3]]


def _final(change: Change, weight: Weight) -> Finding:
    return Finding(
        code="final-change",
        subject=change.address,
        message=f"the final template does more than go live: {change}",
        hint="it may only change streams, their consumers, TTL and the policy",
        weight=weight,
    )
