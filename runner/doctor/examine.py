"""Checks everything that a run of a spec would need, in the order of use.

A failed check is a finding, not the end: all findings are reported at once. Nothing is changed.
"""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from retable.runner.aws.session import Answered, Aws, Identity
from retable.runner.aws.state_address import Address
from retable.runner.clock import Clock
from retable.runner.doctor import machine, permissions, resources
from retable.runner.doctor.examined import Diagnosis, Finding, Permission, as_problem
from retable.runner.doctor.iam_policy import smallest_policy
from retable.runner.doctor.needs import needs_of
from retable.runner.export.location import S3Prefix
from retable.runner.failure import Failure
from retable.runner.plan.plan import Plan
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.observe import Observed, observe
from retable.runner.spec.unsupported import unsupported
from retable.schema.spec import CdkProvision, Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The question: can ``spec`` run from this machine?"""

    spec: Spec
    connect: Callable[[], Aws]
    run_dir: Path
    spool_bytes: int
    state: Address | None
    clock: Clock


class _Examination:
    """One examination in progress."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._spec = question.spec
        self._answers: list[Answered] = []
        self._times: list[tuple[datetime, datetime]] = []
        self._observed: Observed | None = None
        self._plan: Plan | None = None
        self._permissions: tuple[Permission, ...] = ()

    def diagnose(self) -> Diagnosis:
        """Return what was found."""
        found = [*machine.versions(self._spec)]
        did = "identified the caller with STS"
        try:
            aws = self._question.connect()
            aws.on_answer(self._record_call)
            identity = aws.identity()
        except Failure as failure:
            found.append(as_problem("identity", did, failure))
            return Diagnosis(findings=tuple(found), is_reached=False)
        found.append(_who(identity, aws.region, did))
        found += self._tables(aws)
        found.append(self._disk())
        found += self._buckets(aws)
        found += self._allowed(aws)
        if self._times:
            found.append(machine.clock(*self._times[-1]))
        plan = self._plan
        needs = needs_of(plan, self._spec, self._question.state) if plan else ()
        return Diagnosis(
            findings=tuple(found),
            permissions=self._permissions,
            policy=smallest_policy(needs) if plan else None,
        )

    def _record_call(self, answered: Answered) -> None:
        """Record each answered call, and its time by both clocks."""
        self._answers.append(answered)
        if answered.date is not None:
            there = parsedate_to_datetime(answered.date)
            self._times.append((self._question.clock.now(), there))

    def _tables(self, aws: Aws) -> Iterator[Finding]:
        """Yield the findings on tables and stack, and whether a plan can be made."""
        try:
            with tempfile.TemporaryDirectory(prefix="retable-") as name:
                self._observed = observe(self._spec, aws, self._question.clock, Path(name))
        except Failure as failure:
            yield as_problem("tables", "checked what the spec names", failure)
            return
        did = "planned a run"
        try:
            self._plan = compile_plan(self._spec, self._observed)
            planned = Finding(name="plan", did=did, found=f"it has {len(self._plan.steps)} steps")
        except Failure as failure:
            planned = as_problem("plan", did, failure)
        if self._observed.source is not None:
            yield from resources.table(self._observed.source, self._plan)
        yield resources.target(self._spec, self._observed)
        yield resources.export(self._observed)
        if isinstance(self._spec.rebuild.provision, CdkProvision):
            yield resources.stack(self._spec.rebuild.provision, aws)
        yield planned
        missing = self._plan.unsupported if self._plan else unsupported(self._spec)
        for key in dict.fromkeys((*unsupported(self._spec), *missing)):
            found = f"this version cannot carry out {key}"
            yield Finding(name="plan", did=did, found=found, outcome="problem", advice="change it")

    def _disk(self) -> Finding:
        """Return the finding on disk space."""
        source = self._observed.source if self._observed else None
        export = self._observed.export if self._observed else None
        about = source.description.item_count if source else 0
        return machine.disk(
            self._question.run_dir,
            items=export.item_count if export else about,
            table_bytes=source.description.size_bytes if source else 0,
            spool_bytes=self._question.spool_bytes,
        )

    def _buckets(self, aws: Aws) -> Iterator[Finding]:
        """Yield the findings on the buckets."""
        yield from resources.export_bucket(self._spec, aws)
        state = self._question.state
        if state is not None:
            place = S3Prefix(state.bucket, state.prefix)
            yield from resources.bucket("state", place, state.owner, aws)

    def _allowed(self, aws: Aws) -> Iterator[Finding]:
        """Yield whether the caller may do what the plan needs."""
        if self._plan is None:
            yield Finding(
                name="permissions",
                did=permissions.DID,
                found="without a plan, the needed permissions are unknown",
                outcome="unknown",
                advice="fix the plan first",
            )
            return
        needs = needs_of(self._plan, self._spec, self._question.state)
        try:
            self._permissions = permissions.judge(needs, aws.simulate, self._answers)
        except Failure as failure:
            yield as_problem("permissions", permissions.DID, failure)
            return
        yield from permissions.findings(self._permissions)


def examine(question: Question) -> Diagnosis:
    """Check everything that a run would need. Reads only."""
    return _Examination(question).diagnose()


def _who(identity: Identity, region: str, did: str) -> Finding:
    """Return who is calling."""
    if identity.account is None:
        found = f"an endpoint without identities, in {region}"
        return Finding(name="identity", did=did, found=found)
    found = f"{identity.arn} in {region}"
    if identity.arn.endswith(":root"):
        return Finding(
            name="identity",
            did=did,
            found=found,
            outcome="warning",
            advice="use a role with the policy below instead of the account's root user",
        )
    return Finding(name="identity", did=did, found=found)
