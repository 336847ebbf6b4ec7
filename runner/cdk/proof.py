"""Proves by templates alone that a deployment does to a table what is meant, and nothing else.

Everything here is pure: templates in, findings out. What is deployed is always the template that
CloudFormation has, never the one that the app would make today: only so can no pending change hide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from retable.runner.cdk.cdk_finding import Finding, Weight
from retable.runner.cdk.difference import Change, changes
from retable.runner.cdk.follows import other_differences
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
"""What the last template may change of the table: streams, their consumers, TTL, the policy."""
REPLICAS = "Replicas"
"""Where a global table has its policy and its Kinesis stream, one for each replica."""
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
"""What CloudFormation makes another table for, or cannot change (its resource schemas)."""


def prove_removal(deployed: Template, absent: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``absent`` would do beside removing the table at address ``table``."""
    before = parts(deployed)
    if table not in before:
        yield _missing("deployed", table)
    elif table in parts(absent):
        message = f"the absent template still has the table {before[table].shown}"
        hint = "its context must leave the table's construct out"
        yield Finding(
            code="table-stays", subject=table, message=message, hint=hint, weight="refused"
        )
    else:
        found = changes(deployed, absent)
        yield from _Judge("absent", deployed, absent, table).findings(found, "removed")


def prove_addition(before: Template, present: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``present`` would do beside adding the table at address ``table``."""
    if table not in parts(present):
        yield _missing("present", table)
    else:
        found = changes(before, present)
        yield from _Judge("present", present, before, table).findings(found, "added")


def prove_nothing_pending(
    deployed: Template, last: Template, table: str | None, new_table: str
) -> Iterator[Finding]:
    """Yield what would be different in the end, beside the table: pending changes cannot hide.

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
            message=f"in the end, beside the table: {change}",
            hint=None if expected else "deploy what is pending first, or take it out of the app",
            weight="note" if expected else "acceptable",
        )


def prove_switches(
    present: Template, final: Template, table: str, *, frozen: bool
) -> Iterator[Finding]:
    """Yield what deploying ``final`` lets use the new table in place of another one.

    Where the old table stays and is not ``frozen``, that loses what is written to it meanwhile.
    """
    late = dependents(final, [table]) - dependents(present, [table])
    for change in changes(present, final):
        if change.kind == "changed" and change.address in late:
            yield Finding(
                code="switches",
                subject=change.address,
                message=f"the final template moves to the new table: {change}",
                hint="freeze the source; or deploy that yourself, once nothing writes to it",
                weight="note" if frozen else "acceptable",
            )


def prove_final(present: Template, final: Template, table: str) -> Iterator[Finding]:
    """Yield what deploying ``final`` would do beside bringing streams, consumers, TTL, policies."""
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


class _Judge:
    """Tells what goes or comes with a table from what a template does beside."""

    def __init__(self, variant: str, fuller: Template, barer: Template, table: str) -> None:
        """Compare ``fuller``, which has the table, with ``barer``, which has not."""
        self._variant = variant
        self._fuller = parts(fuller)
        self._barer = parts(barer)
        self._table = table
        self._with = dependents(fuller, [table]) | {table}

    def findings(self, found: Sequence[Change], way: str) -> Iterator[Finding]:
        """Yield what each change is; parts that go or come are changes of the kind ``way``."""
        moving = frozenset(change.address for change in found if change.kind == way)
        for change in found:
            address = change.address
            if change.kind == "changed":
                yield self._changed(change, moving)
            elif change.kind != way or not self._needs_table(address):
                yield _other(self._variant, change)
            elif address != self._table:
                yield _along(change, f"with the table: {change}, which needs it")

    def _needs_table(self, address: str) -> bool:
        return address in self._with or _holds_only(self._fuller, address, self._with)

    def _changed(self, change: Change, moving: frozenset[str]) -> Finding:
        """Return what a part is that is there with the table and without it."""
        address = change.address
        places = other_differences(self._fuller[address], self._barer[address], moving)
        if places:
            return _other(self._variant, replace(change, properties=places))
        return _along(change, f"with the table: {change}, where it was named")


def _holds_only(found: Mapping[str, Part], address: str, going: frozenset[str]) -> bool:
    """Return whether ``address`` is a nested stack with nothing in it but ``going``."""
    if found[address].type != STACK:
        return False
    inside = [other for other in found if other.startswith(f"{address}/")]
    return bool(inside) and going.issuperset(inside)


def _along(change: Change, message: str) -> Finding:
    """Return the finding of a change that the table's own brings about."""
    return Finding(code="goes-along", subject=change.address, message=message, weight="note")


def _missing(variant: str, table: str) -> Finding:
    message = f"the {variant} template has no {table}"
    return Finding(code="table-missing", subject=table, message=message, weight="refused")


def _other(variant: str, change: Change) -> Finding:
    """Return the finding of a change that has nothing to do with the table."""
    return Finding(
        code="other-change",
        subject=change.address,
        message=f"the {variant} template does something else as well: {change}",
        hint="deploy it on its own first, or make it independent of the context",
        weight="acceptable",
    )


def _judge_table(change: Change) -> Iterator[Finding]:
    """Yield the finding of a table that the final template changes in other ways than it may."""
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
        hint="only streams, their consumers, TTL and the policy belong to it",
        weight=weight,
    )
