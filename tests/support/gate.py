"""A run that stands before its delete with everything proved, on tables held in memory."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retable.runner.aws.policy_calls import Policy
from retable.runner.aws.session import Identity
from retable.runner.export.datafile import CheckedFile
from retable.runner.plan.encoding import fingerprint
from retable.runner.plan.export_steps import (
    Approve,
    Approved,
    CheckExport,
    DryRun,
    ExportProved,
    ItemsMapped,
)
from retable.runner.plan.plan import Plan
from retable.runner.plan.source_steps import (
    BackedUp,
    BackUp,
    ChangesListed,
    DeleteTable,
    FreezeSource,
    Frozen,
    ListChanges,
)
from retable.runner.plan.step import S, StepOf, link
from retable.runner.progress import NoProgress
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import Journal, open_journal
from retable.runner.steps.delete import require_provably_safe_to_delete
from retable.runner.steps.world import World
from retable.runner.table.resource_policy import freeze_policy
from retable.runner.table.settings import TableDescription
from retable.schema.spec import Spec
from retable.transforms import compile_mapping
from support.observed import ARN, TABLE_ID, description

FROZEN_AT = datetime(2026, 11, 23, 3, tzinfo=UTC)
EXPORTED_AT = FROZEN_AT + timedelta(minutes=5)
ITEMS = 40
BACKUP = f"{ARN}/backup/01"
AVAILABLE = "AVAILABLE"


class StillClock:
    """A clock that always shows the moment of the final export."""

    def now(self) -> datetime:
        return EXPORTED_AT

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        del seconds


@dataclass
class Policies:
    """The resource policies, by the tables' ARNs."""

    texts: dict[str, str]

    def get(self, arn: str) -> Policy | None:
        text = self.texts.get(arn)
        return text and Policy(text=text, revision_id="1", seen_at=EXPORTED_AT)  # type: ignore[return-value]  # no text, no policy


@dataclass
class Tables:
    """As much of DynamoDB as the gate asks for."""

    described: TableDescription | None = field(default_factory=description)
    policies: Policies = field(
        default_factory=lambda: Policies({ARN: freeze_policy(ARN, None, bulk=True)})
    )
    backups: dict[str, str] = field(default_factory=lambda: {BACKUP: AVAILABLE})
    time: datetime = EXPORTED_AT

    def describe(self, name: str) -> TableDescription | None:
        del name
        return self.described

    def backup_status(self, arn: str) -> str | None:
        return self.backups.get(arn)

    def service_time(self, table: str) -> datetime:
        del table
        return self.time


@dataclass
class Account:
    """The stand-in for the AWS client."""

    tables: Tables = field(default_factory=Tables)

    def identity(self) -> Identity:
        arn = "arn:aws:iam::111122223333:role/loader"
        return Identity(account="111122223333", arn=arn, principals=(arn,))


class Gate:
    """A run before its delete; what its journal and the account say can be changed."""

    def __init__(self, world: World, account: Account) -> None:
        self.world = world
        self.tables = account.tables

    @property
    def journal(self) -> Journal:
        return self.world.journal

    def step(self, kind: type[S]) -> S:
        """Return the last step of ``kind``: the one that the delete depends on."""
        return [step for step in self.world.plan.steps if isinstance(step, kind)][-1]

    def again(self, kind: type[StepOf[Any]], **changes: Any) -> None:
        """Record the evidence of that step again, with ``changes``."""
        step = self.step(kind)
        evidence: Any = self.journal.evidence(step)
        self.journal.finish(step, replace(evidence, **changes))

    def require(self) -> None:
        """Prove everything that I1 asks for."""
        require_provably_safe_to_delete(self.step(DeleteTable), self.world)


@contextmanager
def before_the_delete(folder: Path, spec: Spec, plan: Plan) -> Iterator[Gate]:
    """Yield the run of ``plan`` with everything proved that its delete needs."""
    account = Account()
    with open_journal(folder / "journal.jsonl", fingerprint(plan), StillClock()) as journal:
        world = World(
            spec=spec,
            mapping=compile_mapping(spec),
            plan=plan,
            fingerprint=fingerprint(plan),
            folder=RunFolder(folder),
            journal=journal,
            connect=lambda: account,  # type: ignore[arg-type, return-value]  # all that is asked of it
            clock=StillClock(),
            progress=NoProgress(),
            random=random.Random(1),  # noqa: S311 -- jitter needs no secrecy
            processes=1,
            approve=lambda *_: None,
        )
        for step in plan.steps:
            _prove(step, world)
        yield Gate(world, account)


def _prove(step: StepOf[Any], world: World) -> None:
    """Record the evidence of ``step``, where the gate asks for it."""
    found = _evidence(step, world)
    if found is not None:
        world.journal.finish(step, found)
    if isinstance(step, CheckExport):
        file = CheckedFile(key="1.gz", path=world.folder.path, item_count=ITEMS, md5="")
        world.checked[link(step)] = (file,)


def _evidence(step: StepOf[Any], world: World) -> object:  # noqa: PLR0911 -- a table
    match step:
        case FreezeSource():
            return Frozen(seen_at=FROZEN_AT, revision="1", bulk_writes="denied")
        case CheckExport():
            return ExportProved(
                export_id="01-1",
                table_id=TABLE_ID,
                export_time=EXPORTED_AT,
                item_count=ITEMS,
                data_files=1,
            )
        case DryRun():
            return mapped()
        case ListChanges():
            return listed()
        case BackUp():
            return BackedUp(arn=BACKUP, name="retable-1")
        case Approve():
            mark = world.fingerprint
            return Approved(by="test", fingerprint=mark, deletes=world.plan.deletes)
        case _:
            return None


def mapped() -> ItemsMapped:
    """Return the figures of a clean dry run."""
    return ItemsMapped(
        read=ITEMS,
        kept=ITEMS,
        dropped=0,
        rejected=0,
        results=ITEMS,
        colliding_keys=0,
        colliding_items=0,
        unresolved_keys=0,
        superseded=0,
    )


def listed() -> ChangesListed:
    """Return a list of later writes that is fresh and names none."""
    return ChangesListed(
        since=FROZEN_AT,
        until=EXPORTED_AT,
        changes=0,
        written=0,
        deleted=0,
        expired=0,
        listed_at=EXPORTED_AT,
    )
