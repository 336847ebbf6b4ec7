"""CloudFormation stacks as deployed: status, template, resources, events, importers.

Nothing is changed here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.aws.session import Aws
from retable.runner.cdk.json_file import mapping
from retable.runner.cdk.template import RESOURCES, STACK, Template
from retable.runner.cdk.template_text import read_template

ABSENT = "does not exist"
"""The text of CloudFormation's ValidationError for a stack that does not exist."""
DELETED = "DELETE_COMPLETE"
NOT_IMPORTED = "is not imported by any stack"
FAILED = "_FAILED"
BEGUN = frozenset(["CREATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
"""A stack's first status in an operation that a user requested."""
CONSEQUENCE = re.compile(r"\bcancell?ed\b", re.IGNORECASE)
"""The reasons of failures that only follow from others."""
MAX_NESTING = 10
MAX_EVENTS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StackState:
    """The current state of a stack."""

    id: str
    name: str
    status: str
    reason: str | None
    exports: Mapping[str, str] = field(default_factory=dict)
    """The names of its exports, by the output's logical id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    """The current state of a stack's resource."""

    type: str
    physical_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """An event of a stack's resource, or of the stack itself."""

    id: str
    stack_id: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    at: datetime

    def __str__(self) -> str:
        """Return a description."""
        words = f"{self.logical_id} ({self.type}) {self.status}"
        return f"{words}: {self.reason}" if self.reason else words


def stacks_of(aws: Aws) -> "Stacks":
    """Return the client for the stacks of this account and region."""
    return Stacks(aws.cloudformation)


class Stacks:
    """Reads stacks."""

    def __init__(self, client: Any) -> None:
        """Use boto3's client of CloudFormation."""
        self._client = client

    def state(self, name: str) -> StackState | None:
        """Return a stack by name or id, or ``None`` if it does not exist."""
        with translated_errors(f"describing the stack {name}", "cloudformation"):
            try:
                answer = self._client.describe_stacks(StackName=name)
            except ClientError as error:
                if _says(error, ABSENT):
                    return None
                raise
        found = answer["Stacks"][0] if answer["Stacks"] else None
        if found is None or found["StackStatus"] == DELETED:
            return None
        return StackState(
            id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            reason=found.get("StackStatusReason"),
            exports={
                output["OutputKey"]: output["ExportName"]
                for output in found.get("Outputs", ())
                if output.get("ExportName")
            },
        )

    def template(self, name: str) -> Template:
        """Return a stack's deployed template, with those of its nested stacks.

        Raises:
            Refused: the template cannot be read.
        """
        return self._template(name, MAX_NESTING)

    def resources(self, name: str) -> dict[str, StackResource]:
        """Return the resources of a stack and its nested stacks, by address."""
        return dict(self._resources(name, "", MAX_NESTING))

    def importers(self, export: str) -> tuple[str, ...]:
        """Return the stacks that import an export, sorted."""
        with translated_errors(f"listing the imports of {export}", "cloudformation"):
            try:
                pages = self._client.get_paginator("list_imports").paginate(ExportName=export)
                return tuple(sorted(name for page in pages for name in page["Imports"]))
            except ClientError as error:
                if _says(error, NOT_IMPORTED) or _says(error, ABSENT):
                    return ()
                raise

    def events(self, stack_id: str, after: str | None) -> list[StackEvent]:
        """Return a stack's events after the one with the id ``after``, oldest first."""
        found: list[StackEvent] = []
        with translated_errors(f"reading the events of {stack_id}", "cloudformation"):
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
            for page in pages:
                for event in page["StackEvents"]:
                    if event["EventId"] == after or len(found) >= MAX_EVENTS:
                        return found[::-1]
                    found.append(_event(event))
        return found[::-1]

    def last_event(self, stack_id: str) -> str | None:
        """Return the id of a stack's newest event."""
        with translated_errors(f"reading the events of {stack_id}", "cloudformation"):
            page = self._client.describe_stack_events(StackName=stack_id)
        return page["StackEvents"][0]["EventId"] if page["StackEvents"] else None

    def _template(self, name: str, depth: int) -> Template:
        with translated_errors(f"reading the template of {name}", "cloudformation"):
            answer = self._client.get_template(StackName=name, TemplateStage="Original")
        body = read_template(answer["TemplateBody"], name)
        stacks = [
            logical_id
            for logical_id, resource in mapping(body.get(RESOURCES)).items()
            if mapping(resource).get("Type") == STACK
        ]
        if not stacks or depth == 0:
            return Template(body)
        ids = {own: resource.physical_id for own, resource in self._own_resources(name)}
        return Template(
            body, {own: self._template(ids[own], depth - 1) for own in stacks if ids.get(own)}
        )

    def _resources(self, name: str, scope: str, depth: int) -> Iterator[tuple[str, StackResource]]:
        for logical_id, resource in self._own_resources(name):
            yield scope + logical_id, resource
            if resource.type == STACK and resource.physical_id and depth > 0:
                inner = f"{scope}{logical_id}/"
                yield from self._resources(resource.physical_id, inner, depth - 1)

    def _own_resources(self, name: str) -> Iterator[tuple[str, StackResource]]:
        with translated_errors(f"listing the resources of {name}", "cloudformation"):
            pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
            for page in pages:
                for entry in page["StackResourceSummaries"]:
                    yield (
                        entry["LogicalResourceId"],
                        StackResource(
                            type=entry["ResourceType"],
                            physical_id=entry.get("PhysicalResourceId", ""),
                            status=entry["ResourceStatus"],
                        ),
                    )


def under_way(events: Sequence[StackEvent]) -> Sequence[StackEvent]:
    """Return the ``events``, oldest first, of the stack's last operation."""
    begun = [
        number
        for number, event in enumerate(events)
        if event.physical_id == event.stack_id and event.status in BEGUN
    ]
    return events[begun[-1] :] if begun else ()


def cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """Return the failure that caused the others; a stack's own failure only counts them."""
    failed = [event for event in events if event.status.endswith(FAILED)]
    own = [event for event in failed if event.physical_id != event.stack_id]
    first = [event for event in own if not CONSEQUENCE.search(event.reason or "")]
    return next(iter((*first, *own, *failed)), None)


def _event(found: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        id=found["EventId"],
        stack_id=found["StackId"],
        logical_id=found.get("LogicalResourceId", ""),
        physical_id=found.get("PhysicalResourceId", ""),
        type=found.get("ResourceType", ""),
        status=found.get("ResourceStatus", ""),
        reason=found.get("ResourceStatusReason"),
        at=found["Timestamp"],
    )


def _says(error: ClientError, words: str) -> bool:
    """Return whether an error without a code of its own has this text in its message."""
    message = str(error.response.get("Error", {}).get("Message", ""))
    return code_of(error) == "ValidationError" and words in message
