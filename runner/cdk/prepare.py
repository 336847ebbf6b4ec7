"""Prepares what the proofs and the deployments need; changes nothing in the account.

The app runs once for each variant, or a given assembly is copied: either way, what is
deployed later is in the run folder, and later changes to the app do not affect it.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from retable.runner.cdk.assembly import Assembly, StackArtifact, read_assembly
from retable.runner.cdk.cdk_cli import UNWATCHED, Cdk, Watch
from retable.runner.cdk.digest import digest, template_digest
from retable.runner.cdk.intrinsics import DeployTarget
from retable.runner.cdk.locate import find_deployed, find_stack, find_table, require_table
from retable.runner.cdk.lost_attachments import lost_exports
from retable.runner.cdk.prove import Case
from retable.runner.cdk.saved_stack import write_original
from retable.runner.cdk.stacks import StackResource, Stacks, StackState
from retable.runner.cdk.states import require_at_rest
from retable.runner.cdk.table_in_template import read_table
from retable.runner.cdk.template import EMPTY, TABLE_TYPES, Template, comparable
from retable.runner.failure import Refused
from retable.schema.spec import CdkProvision, CdkVariant

VariantName = Literal["absent", "present", "final", "original"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One state of the app, ready to deploy."""

    assembly: Assembly
    stack: StackArtifact
    digest: str
    """The digest of everything that deploying the stack would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a rebuild needs from an app."""

    provision: CdkProvision
    base: Path
    """The spec's folder, to which relative paths refer."""
    folder: Path
    """The folder for the assemblies, one subfolder per variant."""
    source: str
    """The table's name in DynamoDB."""
    target: str
    replaces: bool
    """Whether the source leaves the stack, or the target is added beside it."""
    gone: bool
    """Whether the source table has been deleted."""
    account: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The state of an app and its stack, before the first change."""

    variants: Mapping[VariantName, Variant]
    state: StackState | None
    """The stack's current state; ``None`` if it does not exist."""
    before: str | None
    """The digest of the deployed template."""
    case: Case
    physical: Mapping[str, str]
    """The physical id of each resource of the stack, by address."""
    importers: Mapping[str, tuple[str, ...]]
    """The stacks that import the outputs that would be removed, by the output's logical id."""
    deletion_policy: str | None
    """The old table's DeletionPolicy in the deployed template."""


def prepare(question: Question, cdk: Cdk, stacks: Stacks, watch: Watch = UNWATCHED) -> Prepared:
    """Return what the app synthesizes and what is deployed, for ``prove`` and ``deploy``.

    Raises:
        Refused: the app fails, lacks the stack or the table, or is for another account or region;
            or the source table is not in the stack.
        Stopped: a service does not answer, or the stack is busy or stuck.
    """
    variants = dict(_variants(question, cdk, watch))
    stack = variants["present"].stack
    _require_here(stack, question)
    state = stacks.state(stack.name)
    require_at_rest(stack.name, None if state is None else state.status)
    deployed = EMPTY if state is None else stacks.template(stack.name)
    before = None if state is None else template_digest(deployed)
    if question.replaces and state is not None:
        folder = question.folder / "original"
        write_original(folder, variants["present"].assembly.version, stack, deployed)
        variants["original"] = open_variant(folder, question.provision.stack)
    deployed = comparable(deployed, stack.template)
    resources = {} if state is None else stacks.resources(stack.name)
    case = _case(question, variants, deployed, resources)
    lost = lost_exports(deployed, case.absent) if question.replaces else ()
    exports = {} if state is None else state.exports
    return Prepared(
        variants=variants,
        state=state,
        before=before,
        case=case,
        physical={address: resource.physical_id for address, resource in resources.items()},
        importers={name: stacks.importers(exports[name]) for name in lost if name in exports},
        deletion_policy=_policy(case),
    )


def open_variant(folder: Path, stack: str) -> Variant:
    """Return the variant that was prepared in ``folder``.

    Raises:
        Refused: it does not exist, or lacks the stack.
    """
    assembly = read_assembly(folder)
    found = find_stack(assembly, stack)
    return Variant(assembly=assembly, stack=found, digest=digest(assembly, found))


def _variants(question: Question, cdk: Cdk, watch: Watch) -> Iterator[tuple[VariantName, Variant]]:
    """Yield the variants in the order in which they are deployed."""
    provision = question.provision
    named: tuple[tuple[VariantName, CdkVariant | None], ...] = (
        ("absent", provision.absent),
        ("present", provision.present),
        ("final", provision.final),
    )
    for name, variant in named:
        if variant is None:
            continue
        folder = question.folder / name
        if variant.assembly is not None:
            _copy(question.base / variant.assembly, folder)
            cdk.require_readable(read_assembly(folder))
        else:
            cdk.synthesize(variant.context or {}, folder, watch)
        yield name, open_variant(folder, provision.stack)


def _copy(given: Path, folder: Path) -> None:
    """Copy an assembly into the run folder; its links are kept and never followed."""
    read_assembly(given)
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(given, folder, symlinks=True)


def _require_here(stack: StackArtifact, question: Question) -> None:
    """Refuse a stack for another account or region than the table's."""
    for what, found, expected in (
        ("account", stack.account, question.account),
        ("region", stack.region, question.region),
    ):
        if found is not None and found != expected:
            message = f"the stack {stack.path} is for the {what} {found}, the run for {expected}"
            raise Refused(message, "check source.region, the credentials and the app's env")


def _case(
    question: Question,
    variants: Mapping[VariantName, Variant],
    deployed: Template,
    resources: Mapping[str, StackResource],
) -> Case:
    """Return the templates, and the table's address in each of them."""
    construct = question.provision.construct
    present = variants["present"].stack
    final = variants.get("final")
    new = require_table(present, construct, question.target).address
    if final is not None:
        _require_same_place(final.stack, construct, question.target, new)
    old = None
    if question.replaces:
        old = _old_table(question, present, deployed, resources)
    return Case(
        deployed=deployed,
        absent=variants["absent"].stack.template,
        present=present.template,
        final=None if final is None else final.stack.template,
        old=old,
        new=new,
        at=DeployTarget(account=question.account, region=question.region, stack=present.name),
    )


def _require_same_place(stack: StackArtifact, construct: str, name: str, address: str) -> None:
    """Refuse a final template in which another resource is the table."""
    found = find_table(stack, construct, name)
    if found is None or found.address != address:
        where = "nowhere" if found is None else found.address
        message = f"the table is {address} in the present template and {where} in the final one"
        raise Refused(message, "both must have the same construct")


def _old_table(
    question: Question,
    stack: StackArtifact,
    deployed: Template,
    resources: Mapping[str, StackResource],
) -> str | None:
    """Return the source's address in the deployed template: by its physical name, else by its path.

    ``None``: the deleted table is also absent from the stack, so there is nothing to remove.
    """
    for address, resource in resources.items():
        if resource.type in TABLE_TYPES and resource.physical_id == question.source:
            return address
    found = find_deployed(deployed, stack.path, question.provision.construct)
    if found is not None and found not in resources:
        return found
    if found is None and question.gone:
        return None
    message = f"the table {question.source} is not in the stack {stack.name}"
    hint = "rebuild.provision.with: api is for tables that CDK did not create"
    raise Refused(message, hint)


def _policy(case: Case) -> str | None:
    """Return the deployed template's DeletionPolicy of the old table."""
    if case.old is None:
        return None
    return read_table(case.deployed, case.old, case.at).deletion_policy
