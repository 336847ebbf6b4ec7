"""A plan as text, from the same steps that ``execute`` carries out.

Each symbol has one meaning: ``+`` create, ``-/+`` delete and recreate, ``~`` change, ``=``
keep, ``>`` write, ``?`` verify, ``!`` attention. See ``costs`` for prices and times.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from retable.runner.outcome.follow_up import cut_over
from retable.runner.plan.export_steps import MergeExports
from retable.runner.plan.finish_steps import LiftFence, RestoreSettings
from retable.runner.plan.plan import Plan
from retable.runner.plan.target_steps import CreateTable, DeployTable, ImportTable
from retable.runner.planning.costs import loader_lines
from retable.runner.spec.own_functions import ALLOW, signatures
from retable.runner.table.carried_over import describe_attached
from retable.schema.spec import KeySchema, Spec
from retable.transforms.mapping import Mapping as ItemMapping

MAX_CONSTANT = 120
"""Characters of a constant that are shown beside the code that uses it."""


def describe(plan: Plan, spec: Spec, fingerprint: str) -> Iterator[str]:
    """Yield the plan line by line. It holds no item data (I6)."""
    place = " · ".join(
        part for part in (plan.account and f"account {plan.account}", plan.region) if part
    )
    yield f"Plan {fingerprint[:8]} for {spec.origin.file}    {place}"
    yield ""
    yield from _source_lines(plan)
    if plan.unsupported:
        yield from _refusal(plan)
        return
    yield from _target_lines(plan)
    if plan.command == "run":
        yield from _write_lines(plan, spec)
    yield ""
    for number, step in enumerate(plan.steps, 1):
        yield f"  {number:>2} {step.symbol:<3} {step.title}"
    yield ""
    if plan.command == "run":
        yield from loader_lines(plan, spec)
    yield from _closing_lines(plan, spec)


def _source_lines(plan: Plan) -> Iterator[str]:
    """Yield what the plan starts from."""
    table_id = plan.settings.description.table_id if plan.settings else None
    facts = [f"TableId {table_id}"] if table_id else []
    if plan.items is not None:
        about = "" if plan.items_are_exact else "about "
        by = "in the available export" if plan.items_are_exact else "by DescribeTable's estimate"
        if any(isinstance(step, MergeExports) for step in plan.steps):
            about, by = "", "and changes in the available exports"
        facts.append(f"{about}{plan.items:,} items {by}")
    yield f"  source    {plan.source}     {' · '.join(facts)}"


def _refusal(plan: Plan) -> Iterator[str]:
    """Yield what the spec asks for that cannot be done."""
    yield ""
    yield "This version cannot carry out all that the spec asks for:"
    for line in plan.unsupported:
        yield f"  ! {line}"
    yield ""
    yield "migrate run stops here with exit code 2, before it changes anything."


def _target_lines(plan: Plan) -> Iterator[str]:
    """Yield what becomes of the table: key, indexes, settings."""
    replaces = plan.deletes is not None
    sign, verb = ("-/+", "rebuild") if replaces else ("+", "create")
    if plan.restores is not None:
        verb = f"restore what run {plan.restores} deleted,"
    yield f"{sign} {verb} table {plan.target}"
    old = plan.settings.description.key if plan.settings else None
    yield from _key_lines(old, plan.key)
    for step in plan.steps:
        match step:
            case CreateTable() | ImportTable() | DeployTable():
                yield from _index_lines(step.request)
                yield f"    = created with    {' · '.join(_made_words(step.request))}"
            case RestoreSettings():
                kept = [*_setting_words(step), *_policy_words(plan)]
                if kept:
                    yield f"    = settings        {' · '.join(kept)}"
            case _:
                pass


def _key_lines(old: KeySchema | None, new: KeySchema) -> Iterator[str]:
    """Yield the key schema, and what it was."""
    before = {True: old.partition if old else None, False: old.sort if old else None}
    for is_partition, attribute in ((True, new.partition), (False, new.sort)):
        kind = "partition key" if is_partition else "sort key"
        was = before[is_partition]
        if attribute == was and attribute is not None:
            yield f"    = {kind:<15} {attribute.name} {attribute.type}"
        elif attribute is None and was is not None:
            yield f"    ~ {kind:<15} {was.name} {was.type}  ->  none"
        elif attribute is not None and was is not None:
            yield (f"    ~ {kind:<15} {was.name} {was.type}  ->  {attribute.name} {attribute.type}")
        elif attribute is not None:
            yield f"    + {kind:<15} {attribute.name} {attribute.type}"


def _index_lines(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield each index of the CreateTable request."""
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in request.get(kind, ()):
            keys = ", ".join(key["AttributeName"] for key in index["KeySchema"])
            yield f"    + index           {index['IndexName']} ({keys})"


def _made_words(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield what the table is created with: billing, class, encryption."""
    units = request.get("ProvisionedThroughput")
    if units is None:
        bounds = request.get("OnDemandThroughput", {}).values()
        most = "/".join(f"{bound:,}" for bound in bounds if bound > 0)
        yield "on demand" + (f" up to {most}" if most else "")
    else:
        yield f"{units['ReadCapacityUnits']:,} read and {units['WriteCapacityUnits']:,} write units"
    if (table_class := request.get("TableClass")) not in {None, "STANDARD"}:
        yield str(table_class).lower().replace("_", "-")
    sealed = request.get("SSESpecification", {})
    if sealed.get("Enabled"):
        yield f"encrypted with {sealed.get('KMSMasterKeyId', 'the AWS managed key')}"


def _policy_words(plan: Plan) -> Iterator[str]:
    """Yield the resource policy that the target ends up with, unless its stack declares it."""
    for step in plan.steps:
        if isinstance(step, LiftFence) and step.policy is not None:
            yield "resource policy"


def _setting_words(step: RestoreSettings) -> Iterator[str]:
    """Yield each setting the target will have."""
    if step.ttl:
        yield f"TTL {step.ttl}"
    if step.stream:
        yield f"stream {step.stream}"
    if step.pitr:
        yield "point-in-time recovery"
    if step.tags:
        yield f"{len(step.tags)} tags"
    if step.deletion_protection:
        yield "deletion protection"
    yield from describe_attached(step.attached)


def _write_lines(plan: Plan, spec: Spec) -> Iterator[str]:
    """Yield how exported items become target items."""
    count = "" if plan.items is None else f" up to {plan.items:,}"
    yield f"> write items{count}"
    own = spec.transform.functions
    for usage in signatures(spec):
        yield f"    calls {usage} of {own.file if own else ''}"
    if own is not None and not own.allowed:
        yield f"  ! {own.file} has not been run: that needs {ALLOW}"
    for template in spec.transform.templates:
        if spec.transform.items:
            yield "    one item" + (f" for each of {template.each.text}" if template.each else "")
        if template.where is not None:
            yield f"    only where        {template.where.text}"
        for field in template.fields:
            yield f"    {field.name:<14} <-  {field.expression.text}"
    if spec.transform.where is not None:
        yield f"    only where        {spec.transform.where.text}"


def code_lines(mapping: ItemMapping) -> Iterator[str]:
    """Yield the Python that every item goes through, after the constants it uses."""
    yield ""
    for name, value in mapping.constants.items():
        shown = getattr(value, "__qualname__", None) or repr(value)
        yield f"# {name} = {shown if len(shown) <= MAX_CONSTANT else shown[:MAX_CONSTANT] + '...'}"
    yield ""
    yield from mapping.source.splitlines()


def _closing_lines(plan: Plan, spec: Spec) -> Iterator[str]:
    """Yield what to know before approving, and the command that applies the plan."""
    steps = list(cut_over(plan))
    if steps:
        yield "Afterwards, by hand:"
        yield from (f"  {number}. {step}" for number, step in enumerate(steps, 1))
        yield ""
    for note in plan.notes:
        yield f"  ! {note}"
    what = "1 table to delete and recreate" if plan.deletes else "1 table to create"
    yield f"Plan: {what}, {len(plan.steps)} steps."
    yield "Nothing has been changed."
    yield ""
    consent = f" --allow-delete {plan.deletes}" if plan.deletes else ""
    consent += f" --allow-unfrozen {plan.deletes_unfrozen}" if plan.deletes_unfrozen else ""
    what = f"run {spec.origin.file}" if plan.restores is None else f"restore {plan.restores}"
    yield f"  migrate {what}{consent}"
