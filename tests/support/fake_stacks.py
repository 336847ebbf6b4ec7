"""A stand-in for CloudFormation that a test scripts: one stack, moving on as it is looked at."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.cdk.template import Template

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ARN = "arn:aws:cloudformation:eu-west-1:123456789012:stack/{}/1"


class FakeCloudFormation:
    """Answers boto3's calls; ``script`` is what happens once ``begun`` says so.

    A script is a list of what to do, one at each look at the stack: change the status, the
    template, the events.
    """

    def __init__(self, name: str = "OrdersStack") -> None:
        self.name = name
        self.status: str | None = "UPDATE_COMPLETE"
        self.templates: dict[str, Mapping[str, Any]] = {}
        self.resources: dict[str, list[tuple[str, str, str]]] = {}
        self.events: dict[str, list[dict[str, Any]]] = {self.arn(): []}
        self.imports: dict[str, list[str]] = {}
        self.outputs: list[dict[str, str]] = []
        self.script: list[Callable[[], None]] = []
        self.begun: Callable[[], bool] = lambda: True
        self.looks = 0

    def arn(self) -> str:
        """Return the stack's id."""
        return ARN.format(self.name)

    def deployed(self, template: Template) -> None:
        """Let the stack have a template."""
        self.templates[self.name] = template.body

    def event(self, logical_id: str, status: str, reason: str | None = None, **more: Any) -> None:
        """Let something happen; ``stack`` is the id of another stack."""
        stack = more.pop("stack", self.arn())
        happened = self.events.setdefault(stack, [])
        number = sum(map(len, self.events.values()))
        event = {
            "EventId": f"event-{number}",
            "StackId": stack,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": f"physical-{logical_id}",
            "ResourceType": "AWS::DynamoDB::Table",
            "ResourceStatus": status,
            "Timestamp": START + timedelta(seconds=number),
            **more,
        }
        happened.insert(0, {**event, **({"ResourceStatusReason": reason} if reason else {})})

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 -- boto3's name
        del StackName
        self.looks += 1
        if self.script and self.begun():
            self.script.pop(0)()
        if self.status is None:
            message = f"Stack with id {self.name} does not exist"
            raise _error(message)
        return {
            "Stacks": [
                {
                    "StackId": self.arn(),
                    "StackName": self.name,
                    "StackStatus": self.status,
                    "Outputs": self.outputs,
                }
            ]
        }

    def get_template(self, StackName: str, TemplateStage: str) -> dict[str, Any]:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": json.loads(json.dumps(self.templates[StackName], default=float))}

    def describe_stack_events(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        return {"StackEvents": self.events[StackName][:1]}

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


class Pages:
    """One call's pages, two entries each."""

    def __init__(self, owner: FakeCloudFormation, operation: str) -> None:
        self._owner = owner
        self._operation = operation

    def paginate(self, **request: str) -> Iterator[dict[str, Any]]:
        name = request.get("StackName", "")
        if self._operation == "describe_stack_events":
            return _pages("StackEvents", self._owner.events[name])
        if self._operation == "list_imports":
            export = request["ExportName"]
            if export not in self._owner.imports:
                message = f"Export '{export}' is not imported by any stack."
                raise _error(message)
            return _pages("Imports", self._owner.imports[export])
        entries = [
            {
                "LogicalResourceId": logical_id,
                "ResourceType": kind,
                "PhysicalResourceId": physical_id,
                "ResourceStatus": "CREATE_COMPLETE",
            }
            for logical_id, kind, physical_id in self._owner.resources.get(name, [])
        ]
        return _pages("StackResourceSummaries", entries)


def _pages(key: str, entries: list[Any]) -> Iterator[dict[str, Any]]:
    yield {key: entries[:2]}
    for start in range(2, len(entries), 2):
        yield {key: entries[start : start + 2]}


def _error(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "Operation")
