"""The plan: what a run will do, as data. It holds no item data and no secret, and does nothing.

``planning`` makes a plan from a spec and what was observed, and shows it to a reader; ``steps``
carries it out: both read the same steps, which refer to one another by ``Link``.
"""

from dataclasses import dataclass
from typing import Literal

from retable.runner.plan.export_steps import ExportStep
from retable.runner.plan.finish_steps import FinishStep
from retable.runner.plan.source_steps import Removal, SourceStep
from retable.runner.plan.step import Link, S, find, require_linked
from retable.runner.plan.target_steps import TargetStep
from retable.runner.table.settings import TableSettings
from retable.schema.spec import KeySchema

Step = ExportStep | SourceStep | TargetStep | FinishStep
FORMAT_VERSION = 2
"""Of plan.json and of the journal; 1 was that of migrate 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run, from the first step to the last, and what it was made for.

    Equal inputs give equal plans (I7): nothing here depends on the clock, on the machine or on the
    order in which things were listed.
    """

    format_version: int = FORMAT_VERSION
    spec_name: str
    spec_sha256: str
    functions_sha256: str | None = None
    """The hash of the Python file with the spec's own functions, if it has one."""
    account: str | None
    region: str | None
    sandbox: bool
    command: Literal["run", "dry-run", "verify", "restore"] = "run"
    restores: str | None = None
    """The run whose source is restored."""
    strategy: Literal["side-by-side", "replace", "recover"]
    source: str
    target: str
    key: KeySchema
    """The target's key schema."""
    settings: TableSettings | None
    """The source as it was before the first change (I8); ``None`` where there is none."""
    items: int | None
    """How many items the available export has, or DescribeTable's estimate."""
    items_are_exact: bool
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    """What to know before approving: what is not restored, what is not covered."""
    unsupported: tuple[str, ...] = ()
    """What the spec asks for and this version cannot do yet; ``run`` refuses such a plan."""

    def __post_init__(self) -> None:
        """Require that every link leads to an earlier step of its kind; raises ValueError."""
        require_linked(self.steps)

    def at(self, link: Link[S]) -> S:
        """Return the step that ``link`` leads to."""
        return find(link, self.steps)

    @property
    def deletes(self) -> str | None:
        """Return the table this plan deletes, if it deletes one."""
        found = [step.table for step in self.steps if isinstance(step, Removal)]
        return found[0] if found else None

    @property
    def deletes_unfrozen(self) -> str | None:
        """Return the table this plan deletes while writers may still write to it."""
        removals = [step for step in self.steps if isinstance(step, Removal)]
        return next((step.table for step in removals if step.freeze is None), None)
