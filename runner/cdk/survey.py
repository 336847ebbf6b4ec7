"""What a plan must know of the stack that makes the table: synthesized, read and proved.

Planning runs the app of the spec, once for each state of it; nothing is deployed.
"""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from retable.runner.aws.session import Aws
from retable.runner.aws.settings import TableSettings
from retable.runner.cdk.assembly import Assembly, StackArtifact, read_assembly
from retable.runner.cdk.command import Cdk, cdk_environment, open_cdk
from retable.runner.cdk.digest import digest, template_digest
from retable.runner.cdk.finding import require_proven
from retable.runner.cdk.intrinsics import Surroundings
from retable.runner.cdk.locate import find_stack, require_table
from retable.runner.cdk.losses import Place, Uses, lost_exports
from retable.runner.cdk.prove import Case, Known, prove
from retable.runner.cdk.shape import wanted
from retable.runner.cdk.stack import StackResource
from retable.runner.cdk.table import RETAINED, read_table
from retable.runner.cdk.template import EMPTY, TABLE_TYPES, Template, comparable
from retable.runner.clock import Clock
from retable.runner.export.location import S3Prefix, parse_location
from retable.runner.failure import Refused
from retable.runner.plan import StackVariant, Variant
from retable.schema.spec import CdkProvision, CdkVariant, Spec

LOGS = "logs"


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedStack:
    """A stack, and what deploying its states would do to the table."""

    variants: Mapping[Variant, StackVariant]
    logical_id: str
    """The new table's address in its template."""
    retains: bool
    """Whether the deployed template lets the old table stay behind."""
    named: bool
    """Whether the template names the new table; CloudFormation makes up a name otherwise."""
    notes: tuple[str, ...]
    """What a reader must know before agreeing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deployed:
    """What CloudFormation has of the stack now."""

    template: Template | None
    """``None`` where there is no such stack."""
    resources: Mapping[str, StackResource] = field(default_factory=dict)
    exports: Mapping[str, str] = field(default_factory=dict)


def open_app(spec: Spec, provision: CdkProvision, aws: Aws, logs: Path, clock: Clock) -> Cdk:
    """Return CDK's command line for the app of ``spec``; what it prints goes below ``logs``.

    Raises:
        Refused: there is no such app, or no command line that fits.
    """
    account = aws.identity().account or ""
    environ = cdk_environment(aws.environ, aws.region, account)
    return open_cdk(spec.origin.folder / provision.app, environ, logs, clock)


def survey(
    spec: Spec, aws: Aws, source: TableSettings | None, folder: Path, clock: Clock
) -> SurveyedStack | None:
    """Synthesize the states of the spec's app into ``folder`` and prove what they would do.

    Returns ``None`` where the spec names no app.

    Raises:
        Refused: the app fails, the table is not in it, or a deployment would do something else.
        Stopped: AWS does not answer.
    """
    provision = spec.rebuild.provision
    if not isinstance(provision, CdkProvision):
        return None
    cdk = open_app(spec, provision, aws, folder / LOGS, clock)
    stacks = {
        name: _stack(spec, provision, one, cdk, folder / name)
        for name, one in _variants(spec, provision)
    }
    surveyor = _Surveyor(spec, provision, aws, stacks)
    findings = prove(
        surveyor.case, wanted(spec.target, source), surveyor.known(source, clock.now().date())
    )
    require_proven(findings, provision.accept)
    return surveyor.surveyed(tuple(one.message for one in findings))


class _Surveyor:
    """Looks at the states of one stack, and at what is deployed of it now."""

    def __init__(
        self,
        spec: Spec,
        provision: CdkProvision,
        aws: Aws,
        stacks: Mapping[Variant, tuple[Assembly, StackArtifact]],
    ) -> None:
        """Read what is deployed and find the table on both sides.

        Raises:
            Refused: it is not there.
        """
        self._spec = spec
        self._aws = aws
        self._stacks = stacks
        self._present = stacks["present"][1]
        self._deployed = _deployed(aws, self._present.name)
        self._old = self._old_address()
        self.case = self._case(provision)

    def _case(self, provision: CdkProvision) -> Case:
        """Return the templates of the rebuild, and where the table is in them."""
        present, stacks = self._present, self._stacks
        found = require_table(present, provision.construct, self._spec.target.table)
        there = EMPTY
        if self._deployed.template is not None:
            there = comparable(self._deployed.template, present.template)
        account = self._aws.identity().account
        return Case(
            deployed=there,
            absent=stacks["absent"][1].template if "absent" in stacks else there,
            present=present.template,
            final=stacks["final"][1].template if "final" in stacks else None,
            old=self._old,
            new=found.address,
            at=Surroundings(account=account, region=self._aws.region, stack=present.name),
        )

    def known(self, source: TableSettings | None, today: date) -> Known:
        """Return what the world around the templates is like."""
        deployed, export = self._deployed, self._spec.source.export
        physical = {address: one.physical_id for address, one in deployed.resources.items()}
        location = parse_location(export.location or ".", self._spec.origin.folder)
        keys = {} if export.kms_key is None else {export.kms_key: "the export"}
        sealed = source.description.sse if source is not None else None
        if sealed and sealed.get("KMSMasterKeyId"):
            keys[str(sealed["KMSMasterKeyId"])] = "the table"
        buckets, place = {}, None
        if isinstance(location, S3Prefix):
            buckets[location.bucket] = "the export"
            place = Place(bucket=location.bucket, prefix=location.prefix, physical=physical)
        return Known(
            principals=self._aws.identity().principals,
            uses=Uses(keys=keys, buckets=buckets),
            physical=physical,
            importers={
                name: self._aws.stacks.importers(deployed.exports[name])
                for name in lost_exports(self.case.deployed, self.case.absent)
                if name in deployed.exports
            },
            exports=place,
            today=today,
        )

    def surveyed(self, notes: tuple[str, ...]) -> SurveyedStack:
        """Return what the plan must know."""
        case, deployed = self.case, self._deployed.template
        before = None if deployed is None else template_digest(deployed)
        first = next(iter(self._stacks))
        retains = False
        if case.old is not None:
            retains = read_table(case.deployed, case.old, case.at).deletion_policy in RETAINED
        return SurveyedStack(
            variants={
                variant: StackVariant(
                    variant=variant,
                    stack=stack.path,
                    stack_name=stack.name,
                    digest=digest(assembly, stack),
                    before=before if variant == first else None,
                )
                for variant, (assembly, stack) in self._stacks.items()
            },
            logical_id=case.new,
            retains=retains,
            named=read_table(case.present, case.new, case.at).name is not None,
            notes=notes,
        )

    def _old_address(self) -> str | None:
        """Return where the source is among the stack's resources; ``None`` side by side.

        Raises:
            Refused: a table that is to be replaced is none of the stack's.
        """
        if self._spec.rebuild.strategy != "replace":
            return None
        name, found = self._spec.source.table_name, self._deployed.resources
        tables = {one: at for one, at in found.items() if at.type in TABLE_TYPES}
        for address, resource in tables.items():
            if _name(resource) == name:
                return address
        message = f"the table {name} is no resource of the stack {self._present.name}"
        known = ", ".join(sorted(map(_name, tables.values())))
        hint = f"its tables: {known}" if known else "it has no tables"
        raise Refused(message, f"{hint}; provision.with: api is for tables that CDK did not make")


def _deployed(aws: Aws, name: str) -> _Deployed:
    """Return what CloudFormation has of a stack."""
    state = aws.stacks.state(name)
    if state is None:
        return _Deployed(template=None)
    return _Deployed(
        template=aws.stacks.template(name),
        resources=aws.stacks.resources(name),
        exports=state.exports,
    )


def _name(resource: StackResource) -> str:
    """Return the name of a table, which its physical id is, or the end of."""
    return resource.physical_id.rpartition("/")[2]


def _variants(spec: Spec, provision: CdkProvision) -> Iterator[tuple[Variant, CdkVariant]]:
    """Yield the states that are deployed, in that order."""
    if spec.rebuild.strategy != "side-by-side":
        yield "absent", provision.absent
    yield "present", provision.present
    if provision.final is not None:
        yield "final", provision.final


def _stack(
    spec: Spec, provision: CdkProvision, variant: CdkVariant, cdk: Cdk, folder: Path
) -> tuple[Assembly, StackArtifact]:
    """Return one state of the stack, synthesized into ``folder`` or copied there."""
    if variant.assembly is None:
        assembly = cdk.synthesize(variant.context or {}, folder)
    else:
        given = spec.origin.folder / variant.assembly
        read_assembly(given)
        shutil.copytree(given, folder, symlinks=True, dirs_exist_ok=True)
        assembly = read_assembly(folder)
        cdk.require_readable(assembly)
    return assembly, find_stack(assembly, provision.stack)
