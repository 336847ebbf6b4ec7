"""A stack, its resources, its events and its change sets, as they are now.

Only ``deploy`` and ``operations`` change them. Nothing here makes or deletes anything.
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
    """What a resource is in the world: its physical name and what ``Fn::GetAtt`` gives.

    ``properties`` are those it was made with; ``model`` is whatever its kind keeps of it.
    """

    physical_id: str
    properties: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    model: Any = None


@dataclass(slots=True)
class Resource:
    """A resource of a stack; ``made`` is ``None`` while there is nothing of it."""

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
    """Something that happened to a stack or to a resource of it."""

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
    """An output of a stack, exported under ``export`` if that is not ``None``."""

    key: str
    value: str
    description: str | None
    export: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a stack is to become: a template with everything that goes with it."""

    template: Template
    parameters: Mapping[str, Any]
    """Their values, looked up and given their types."""
    given: Mapping[str, str]
    """Their values as texts, as they were given or by default."""
    tags: Mapping[str, str]
    imports: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Resources that are there already, by logical ID, with the properties that identify them."""


@dataclass(frozen=True, slots=True)
class Superfluous:
    """What a stack no longer needs; ``stays`` says that its policy keeps it in the world."""

    declaration: Declaration
    made: Made
    stays: bool


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take back what was done to one resource."""

    logical_id: str
    action: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Before:
    """A stack as it was when its update began."""

    current: Wanted | None
    resources: Mapping[str, Resource]
    outputs: tuple[Output, ...]
    imports: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one resource. ``action`` is Add, Modify, Remove or Import."""

    action: str
    declaration: Declaration
    made: Made | None
    properties: tuple[str, ...] = ()
    """The properties that change."""
    fixed: frozenset[str] = frozenset()
    """Those of them that only a new resource can have."""
    unknown: frozenset[str] = frozenset()
    """Those of them whose value is not known yet."""
    attributes: tuple[str, ...] = ()
    """The other parts of the declaration that change."""
    before: Mapping[str, Any] = field(default_factory=dict)
    """The declaration it has, as written."""
    after: Mapping[str, Any] = field(default_factory=dict)
    """The properties it is to have."""

    @property
    def replacement(self) -> str:
        """Return True, False or Conditional, as a change set writes it."""
        if self.fixed - self.unknown:
            return "True"
        return "Conditional" if self.fixed else "False"


@dataclass(slots=True)
class ChangeSet:
    """A change set; ``stack`` holds it until it is deleted or has been carried out."""

    name: str
    arn: str
    kind: str
    wanted: Wanted
    created: datetime
    description: str | None
    token: str | None
    status: str
    status_reason: str | None
    execution: str
    changes: Sequence[Change]
    options: Mapping[str, Any]
    """The members of the request that DescribeChangeSet shows again."""


@dataclass(slots=True)
class Stack:
    """A stack of one region, deleted ones included."""

    stack_id: str
    name: str
    region: str
    created: datetime
    status: str
    reason: str | None = None
    current: Wanted | None = None
    """What it was last deployed with; ``None`` before the first time."""
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: list[Output] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """Oldest first."""
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    """By ARN."""
    options: dict[str, Any] = field(default_factory=dict)
    """Members of requests that DescribeStacks shows again."""
    updated: datetime | None = None
    deleted: datetime | None = None
    imports: set[str] = field(default_factory=set)
    """Names of other stacks' exports that it uses."""
    before: Before | None = None
    """What a rollback goes back to; ``None`` while there is nothing to go back from."""
    undo: list[Undo] = field(default_factory=list)
    """What a rollback has to do, from last to first."""
    superfluous: list[Superfluous] = field(default_factory=list)
    """What is to be deleted once the stack is what it is to be."""

    @property
    def is_gone(self) -> bool:
        """Return whether it is deleted; its name is free then."""
        return self.status == "DELETE_COMPLETE"

    @property
    def is_busy(self) -> bool:
        """Return whether something is being done to it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"
