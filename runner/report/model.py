"""The report: everything a renderer needs to say how a run, a dry run or a verification ended.

Renderers add nothing, so two of them can never disagree. The values are raw: each renderer makes
them safe to print, embed or send. Of the attributes, a report holds only the values of keys, unless
the user requested the others. The parts about the items themselves are in ``item_figures``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from retable.runner.report.item_figures import (
    Attributes,
    Buckets,
    CollisionSummary,
    DifferenceRow,
    Moment,
    Partitions,
    RejectGroup,
    Rewrite,
    Sample,
    Sizes,
)

Command = Literal["run", "dry-run", "verify", "restore"]
Verdict = Literal["passed", "failed", "incomplete"]
"""``incomplete``: the run stopped before it could know, or nothing could be evaluated."""
StepOutcome = Literal["done", "failed", "skipped", "pending", "stopped"]
"""``failed`` is a finding about the data or the table, ``stopped`` an external failure."""
CheckOutcome = Literal["passed", "failed", "unevaluated"]
ONE_ITEM = "the item"
"""The name of the check of a verification of a single item."""
Scalar = str | int | bool | None
"""A single value in a report; exact numbers that are not integers are strings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The outcomes of all items (I3). ``None`` is a figure that the run did not determine.

    ``read`` = ``kept`` + ``dropped`` + ``rejected`` source items; ``results``, the target items
    from the kept ones, = ``loaded`` + ``superseded`` + ``quarantined``, once the load is done.
    """

    read: int | None = 0
    kept: int | None = 0
    dropped: int | None = 0
    rejected: int | None = 0
    results: int | None = 0
    loaded: int | None = 0
    superseded: int | None = 0
    quarantined: int | None = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The number of missing, extra and different items in the table. ``None``: not compared."""

    missing: int | None = None
    extra: int | None = None
    different: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One comparison with what was expected, with the SQL to run it again."""

    name: str
    outcome: CheckOutcome
    expected: Scalar = None
    actual: Scalar = None
    sql: str | None = None
    line: int | None = None
    """Where it is declared in the spec's file."""
    message: str | None = None
    """Why it failed or could not be evaluated; it holds no item's values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepReport:
    """How one step of the plan ended."""

    id: str
    kind: str
    """The step's class (``LoadItems``)."""
    title: str
    outcome: StepOutcome
    seconds: float | None = None
    """How long it took; ``None`` if it did not run."""
    facts: Mapping[str, Scalar] = field(default_factory=dict)
    """What it found or created: an export's id, a number of write units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One run of a command: what it was to do, and what it found."""

    format_version: Literal[1] = 1
    command: Command
    verdict: Verdict
    run_id: str
    spec_name: str
    spec_file: str
    source: str
    target: str
    region: str | None = None
    account: str | None = None
    started: str
    """ISO 8601, UTC."""
    finished: str | None = None
    counts: Counts = field(default_factory=Counts)
    differences: Differences = field(default_factory=Differences)
    checks: tuple[Check, ...] = ()
    steps: tuple[StepReport, ...] = ()
    first_differences: tuple[DifferenceRow, ...] = ()
    """The first few; all of them are in the run folder's ``diff.jsonl``."""
    rejects_by_reason: Mapping[str, int] = field(default_factory=dict)
    collisions: CollisionSummary | None = None
    notes: tuple[str, ...] = ()
    failure: str | None = None
    """The message of the failure that ended the command."""
    hint: str | None = None
    """What to do about the failure, or next, such as the command that resumes."""
    run_folder: str
    expired: int | None = None
    """Expected items that time to live has deleted since; they are not missing."""
    sample: Sample | None = None
    """``None``: every item was read."""
    rewrite: Rewrite | None = None
    sizes: Sizes | None = None
    attributes: Attributes | None = None
    partitions: Partitions | None = None
    rejects: tuple[RejectGroup, ...] = ()
    """The most frequent kinds of rejects."""
    throughput: tuple[Moment, ...] = ()
    """The load's progress over time, thinned out evenly."""
    buckets: Buckets | None = None
