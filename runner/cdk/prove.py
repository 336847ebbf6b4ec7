"""Combines all proofs: the findings on one rebuild's templates before the first change."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from retable.runner.cdk.cdk_finding import Finding
from retable.runner.cdk.fence_findings import prove_fence, prove_unfenced
from retable.runner.cdk.intrinsics import DeployTarget
from retable.runner.cdk.lost_attachments import (
    Place,
    Uses,
    prove_kept,
    prove_lasting,
    prove_not_imported,
)
from retable.runner.cdk.proof import (
    prove_addition,
    prove_final,
    prove_nothing_pending,
    prove_removal,
    prove_switches,
)
from retable.runner.cdk.references import dependents
from retable.runner.cdk.table_in_template import read_table
from retable.runner.cdk.table_shape import (
    DeclaredTable,
    prove_creation_policy,
    prove_lasting_items,
    prove_quiet,
    prove_removal_policy,
    prove_shape,
    prove_ttl,
)
from retable.runner.cdk.template import Template, comparable, parts

CONSUMER_TYPES = frozenset(["AWS::Lambda::EventSourceMapping", "AWS::Pipes::Pipe"])
"""Resource types that read a stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The templates of one rebuild and the table's address in each."""

    deployed: Template
    """The deployed template; ``EMPTY`` for a stack that does not exist."""
    absent: Template
    present: Template
    final: Template | None
    old: str | None
    """The old table's address in ``deployed``; ``None`` side by side."""
    new: str
    """The new table's address, in ``present`` and ``final``."""
    at: DeployTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The facts about the environment that the proofs need."""

    principals: tuple[str, ...]
    """Patterns of the loader's ARN; none if the endpoint has no identities."""
    uses: Uses = field(default_factory=Uses)
    physical: Mapping[str, str] = field(default_factory=dict)
    """The physical id of each resource of the stack, by address."""
    importers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The stacks that import each output, by its logical id."""
    exports: Place | None = None
    frozen: bool = True
    """Whether writes to the source are frozen during the run."""
    today: date


def prove(case: Case, declared: DeclaredTable, known: Known) -> tuple[Finding, ...]:
    """Return all findings, those that stop the run first, one per fact."""
    case = replace(case, deployed=comparable(case.deployed, case.present))
    found = dict.fromkeys((*_of_removal(case, known), *_of_addition(case, declared, known)))
    other = {one.subject for one in found if one.code == "other-change"}
    # Other changes of the first two templates are reported once, not again as pending ones.
    kept = [one for one in found if one.code != "pending-change" or one.subject not in other]
    order = ("refused", "acceptable", "note")
    return tuple(sorted(kept, key=lambda one: order.index(one.weight)))


def _of_removal(case: Case, known: Known) -> Iterator[Finding]:
    """Yield the findings on the first deployment, which removes the old table."""
    if case.old is not None:
        yield from prove_removal(case.deployed, case.absent, case.old)
        if case.old in parts(case.deployed):
            old = read_table(case.deployed, case.old, case.at)
            yield from prove_removal_policy(old)
    yield from prove_kept(case.deployed, case.absent, known.physical, known.uses)
    yield from prove_not_imported(case.deployed, case.absent, known.importers)
    if known.exports is not None:
        for template in (case.absent, case.present):
            yield from prove_lasting(template, case.at, known.exports, known.today)


def _of_addition(case: Case, declared: DeclaredTable, known: Known) -> Iterator[Finding]:
    """Yield the findings on the later deployments, which add the new table."""
    before = case.deployed if case.old is None else case.absent
    yield from prove_addition(before, case.present, case.new)
    yield from prove_nothing_pending(case.deployed, case.final or case.present, case.old, case.new)
    if case.new not in parts(case.present):
        return
    table = read_table(case.present, case.new, case.at)
    around = parts(case.present)
    users = sorted(dependents(case.present, [case.new]))
    consumers = [user for user in users if around[user].type in CONSUMER_TYPES]
    yield from prove_shape(table, declared)
    yield from prove_quiet(table, tuple(consumers))
    yield from prove_creation_policy(table)
    if known.principals:
        yield from prove_fence(table, known.principals)
    if case.final is None:
        yield from prove_ttl(table, declared, "present")
        yield from prove_unfenced(table, known.principals, "present")
        return
    yield from prove_lasting_items(table)
    yield from prove_final(case.present, case.final, case.new)
    if case.old is None:
        yield from prove_switches(case.present, case.final, case.new, frozen=known.frozen)
    if case.new in parts(case.final):
        last = read_table(case.final, case.new, case.at)
        yield from prove_ttl(last, declared, "final")
        yield from prove_unfenced(last, known.principals, "final")
