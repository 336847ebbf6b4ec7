"""The current state of a stack: its resources, events and change sets.

Only ``update`` and ``operations`` change it. Nothing here creates or deletes anything.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from retable.runner.sandbox.cloudformation.stack_template import Declaration, Template

STACK_TYPE = "AWS::CloudFormation::Stack"
READY = frozenset(
    {
        "CREATE_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
    }
)
"""The statuses from which a stack may be updated."""


@dataclass(frozen=True, slots=True)
class Made:
    """A created resource: its physical name and the values of ``Fn::GetAtt``.

    ``properties`` are those it was created with; ``model`` is what its kind keeps of it.
    """

    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None


@dataclass(slots=True)
class Resource:
    """A resource of a stack; ``made`` is ``None`` while it does not exist."""

    declaration: Declaration
    made: Made | None
    status: str
    changed: datetime
    reason: str | None = None

    @property
    def physical_id(self) -> str | None:
        """Return its physical name."""
        return None if self.made is None else self.made.physical_id


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a stack or of its resource."""

    event_id: str
    time: datetime
    logical_id: str
    physical_id: str | None
    type: str
    status: str
    reason: str | None
    token: str | None


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a stack, exported as ``export`` if that is not ``None``."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True, slots=True)
class DesiredState:
    """The desired state of a stack: a template with its parameters and options."""

    template: Template
    parameters: Mapping[str, Any]
    """Their values, looked up and converted to their types."""
    given: Mapping[str, str]
    """Their values as strings, given or by default."""
    tags: Mapping[str, str]
    imports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Existing resources to import, by logical ID, with their identifying properties."""


@dataclass(frozen=True, slots=True)
class Obsolete:
    """A resource that a stack no longer needs; ``stays``: its policy retains it."""

    declaration: Declaration
    made: Made
    stays: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """How to undo the change of one resource."""

    logical_id: str
    action: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Before:
    """The state of a stack when its update began."""

    current: DesiredState | None
    resources: Mapping[str, Resource]
    outputs: tuple[Output, ...]
    imports: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one resource. ``action`` is Add, Modify, Remove or Import."""

    action: str
    declaration: Declaration
    made: Made | None
    properties: tuple[str, ...] = ()
    """The properties that change."""
    fixed: frozenset[str] = frozenset()
    """Those of them that require a replacement."""
    unknown: frozenset[str] = frozenset()
    """Those of them whose value is not known yet."""
    attributes: tuple[str, ...] = ()
    """The other parts of the declaration that change."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The current declaration, as written."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The desired properties."""

    @property
    def replacement(self) -> str:
        """Return True, False or Conditional, as a change set writes it."""
        if self.fixed - self.unknown:
            return "True"
        return "Conditional" if self.fixed else "False"


@dataclass(slots=True)
class ChangeSet:
    """A change set; ``stack`` holds it until it is deleted or has been executed."""

    name: str
    arn: str
    kind: str
    desired: DesiredState
    created: datetime
    description: str | None
    token: str | None
    status: str
    status_reason: str | None
    execution: str
    changes: Sequence[Change]
    options: Mapping[str, Any]
    """The request members that DescribeChangeSet returns."""


@dataclass(slots=True)
class Stack:
    """A stack of one region, which may be deleted."""

    stack_id: str
    name: str
    region: str
    created: datetime
    status: str
    reason: str | None = None
    current: DesiredState | None = None
    """The last deployed state; ``None`` before the first deployment."""
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """Oldest first."""
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    """By ARN."""
    options: dict[str, Any] = field(default_factory=dict)
    """Request members that DescribeStacks returns."""
    updated: datetime | None = None
    deleted: datetime | None = None
    imports: set[str] = field(default_factory=set)
    """Names of other stacks' exports that it imports."""
    before: Before | None = None
    """The state that a rollback restores; ``None`` while there is nothing to roll back."""
    undo: list[Undo] = field(default_factory=list)
    """The steps of a rollback, to apply from last to first."""
    obsolete: list[Obsolete] = field(default_factory=list)
    """What to delete once the stack has reached its desired state."""

    @property
    def is_deleted(self) -> bool:
        """Return whether it is deleted; its name is free then."""
        return self.status == "DELETE_COMPLETE"

    @property
    def is_busy(self) -> bool:
        """Return whether an operation is in progress."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"
