"""What restoring a table needs from its stack: read and proved; nothing is deployed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from retable.runner.cdk.cdk_finding import require_proven
from retable.runner.cdk.digest import template_digest
from retable.runner.cdk.intrinsics import DeployTarget
from retable.runner.cdk.prepare import open_variant
from retable.runner.cdk.proof import prove_removal
from retable.runner.cdk.stacks import StackResource, Stacks
from retable.runner.cdk.table_in_template import RETAINED, read_table
from retable.runner.cdk.table_shape import prove_removal_policy
from retable.runner.cdk.template import TABLE_TYPES, Template, comparable, parts
from retable.runner.failure import Refused, Stale
from retable.runner.plan.source_steps import DropFromStack, StackVariant
from retable.schema.spec import CdkProvision


@dataclass(frozen=True, slots=True, kw_only=True)
class StackToRestore:
    """A stack, and the states that restore it."""

    absent: StackVariant | None
    """The stack without the table; ``None`` if the table is already out of it."""
    retains: bool
    """Whether the table is retained when it leaves the stack, to be deleted by API."""
    original: StackVariant
    logical_id: str
    """The table's logical id in the original template."""


def survey_restore(
    drop: DropFromStack, table: str, provision: CdkProvision, stacks: Stacks, assemblies: Path
) -> StackToRestore:
    """Return how the stack gets back the ``table`` that ``drop`` removed.

    ``assemblies`` is the folder with the stack's states, as the run of ``drop`` saved them.

    Raises:
        Refused: the stack does not exist, the table cannot be imported, or more would be removed.
        Stale: an assembly is not the one of the run's plan.
    """
    absent, original = _kept(drop.stack, assemblies), _kept(drop.original, assemblies)
    name = drop.stack.stack_name
    state = stacks.state(name)
    if state is None:
        message = f"the stack {name}, which had {table}, does not exist"
        raise Refused(message, "deploy the app without the table first, then restore")
    deployed = stacks.template(name)
    before = template_digest(deployed)
    deployed = comparable(deployed, absent)
    at = DeployTarget(account=_account(state.id), region=_region(state.id), stack=name)
    _require_importable(original, drop.logical_id)
    present = _address_of(table, stacks.resources(name))
    retains = False
    if present is not None:
        deployed_table = read_table(deployed, present, at)
        findings = (
            *prove_removal(deployed, absent, present),
            *prove_removal_policy(deployed_table),
        )
        require_proven(findings, provision.accept)
        retains = deployed_table.deletion_policy in RETAINED
    return StackToRestore(
        absent=None if present is None else _variant(drop.stack, before),
        retains=retains,
        original=_variant(drop.original, before if present is None else None),
        logical_id=drop.logical_id,
    )


def _kept(variant: StackVariant, assemblies: Path) -> Template:
    """Return the template of a state that a run has saved.

    Raises:
        Stale: it is not the one of the run's plan.
    """
    folder = assemblies / variant.variant
    found = open_variant(folder, variant.stack)
    if found.digest != variant.digest:
        message = f"the assembly {folder} is not the one of the run's plan"
        raise Stale(message, "restore the original run folder")
    return found.stack.template


def _variant(variant: StackVariant, before: str | None) -> StackVariant:
    return StackVariant(
        variant=variant.variant,
        stack=variant.stack,
        stack_name=variant.stack_name,
        digest=variant.digest,
        before=before,
    )


def _require_importable(original: Template, logical_id: str) -> None:
    """Refuse a table that CloudFormation would not import into its stack again.

    Raises:
        Refused: it is in a nested stack, or has no DeletionPolicy.
    """
    if "/" in logical_id:
        message = f"{logical_id} was in a nested stack, where CloudFormation imports nothing"
        raise Refused(message, "restore the backup by hand, and move the table in the app")
    if "DeletionPolicy" not in parts(original)[logical_id].body:
        message = f"{logical_id} had no DeletionPolicy, which CloudFormation asks for in an import"
        raise Refused(message, "restore the backup by hand, and import it with a policy")


def _address_of(table: str, resources: Mapping[str, StackResource]) -> str | None:
    """Return the table's address in the stack, if it is in it."""
    for address, resource in resources.items():
        if resource.type in TABLE_TYPES and resource.physical_id.rpartition("/")[2] == table:
            return address
    return None


def _account(stack_id: str) -> str:
    return stack_id.split(":")[4]


def _region(stack_id: str) -> str:
    return stack_id.split(":")[3]
