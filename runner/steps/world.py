"""The context of a run: its plan, journal and run folder, and its clients of AWS."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from retable.runner.aws.session import Aws
from retable.runner.cdk.stacks import Stacks, stacks_of
from retable.runner.clock import Clock
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.spool import DEFAULT_BYTES, Spool
from retable.runner.failure import Stopped
from retable.runner.plan.export_steps import CheckExport, ItemsMapped
from retable.runner.plan.plan import Plan
from retable.runner.plan.step import Link, StepOf
from retable.runner.progress import Progress
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import Journal
from retable.schema.spec import Spec
from retable.transforms.mapping import Mapping as ItemMapping

E = TypeVar("E")


@dataclass(slots=True, kw_only=True)
class World:
    """The context of a run: everything that a step may use."""

    spec: Spec
    mapping: ItemMapping
    plan: Plan
    fingerprint: str
    folder: RunFolder
    journal: Journal
    connect: Callable[[], Aws]
    clock: Clock
    progress: Progress
    random: Random
    processes: int
    approve: Callable[[Plan, ItemsMapped | None], str | None]
    """Asks for approval, given the rehearsal's figures; returns who gave it, or ``None``."""
    only_key: str | None = None
    """The canonical key of the only item to verify; ``None`` is all of them."""
    show_values: bool = False
    """Whether the report may hold values of items that differ."""
    require_lock: Callable[[], None] = lambda: None
    """Raises ``Stopped`` where another runner has taken the run over; called before each effect."""

    checked: dict[Link[CheckExport], tuple[CheckedFile, ...]] = field(default_factory=dict)
    """Data files checked in this process, by the step that checks them."""

    spool_bytes: int = DEFAULT_BYTES
    """How many bytes of an export in S3 are kept on this machine, beside what is being read."""

    _aws: Aws | None = None
    _spool: Spool | None = None

    @property
    def spool(self) -> Spool:
        """Return where data files of S3 are kept on this machine."""
        if self._spool is None:
            self._spool = Spool(self.folder.spool, self.aws.objects, self.spool_bytes)
        return self._spool

    @property
    def aws(self) -> Aws:
        """Return the clients of AWS, opened at first use: a dry run on a folder needs none."""
        if self._aws is None:
            self._aws = self.connect()
        return self._aws

    @property
    def stacks(self) -> Stacks:
        """Return the client of CloudFormation's stacks."""
        return stacks_of(self.aws)

    def evidence(self, link: Link[StepOf[E]]) -> E:
        """Return the evidence of the step that ``link`` refers to.

        Raises:
            Stopped: it has not finished, so nothing that depends on it may run.
        """
        step = self.plan.at(link)
        found: E | None = self.journal.evidence(step)
        if found is None:
            message = f"step {step.id} has not finished"
            raise Stopped(message, "resume the run; its steps run in order")
        return found
