"""Stacks for tests: templates in Python, deployed by boto3 without change sets."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from retable.runner.sandbox.server import SandboxServer

REGION = "eu-west-1"
ORDERS = "orders"
STACK = "shop"
Template = dict[str, Any]


class Account:
    """Clients of one sandbox, and what tests ask of it most."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server
        self.stacks = self.client("cloudformation")
        self.dynamodb = self.client("dynamodb")

    def client(self, service: str, region: str = REGION) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is not a literal
            service,  # pyright: ignore[reportArgumentType]  # likewise
            region_name=region,
            endpoint_url=self.server.endpoint,
            aws_access_key_id="tester",
            aws_secret_access_key="secret",  # noqa: S106 -- nobody looks at it
            config=Config(retries={"total_max_attempts": 1}),
        )

    def create(self, body: Template, stack: str = STACK, **more: Any) -> str:
        """Create a stack and return the status it ends in."""
        self.stacks.create_stack(StackName=stack, TemplateBody=json.dumps(body), **more)
        return self.status(stack)

    def update(self, body: Template, stack: str = STACK, **more: Any) -> str:
        """Update a stack and return the status it ends in."""
        self.stacks.update_stack(StackName=stack, TemplateBody=json.dumps(body), **more)
        return self.status(stack)

    def delete(self, stack: str = STACK) -> str:
        """Delete a stack and return the status it ends in."""
        arn = self.describe(stack)["StackId"]
        self.stacks.delete_stack(StackName=stack)
        return self.status(arn)

    def describe(self, stack: str = STACK) -> dict[str, Any]:
        found = self.stacks.describe_stacks(StackName=stack)["Stacks"]
        return dict(found[0])

    def status(self, stack: str = STACK) -> str:
        return str(self.describe(stack)["StackStatus"])

    def outputs(self, stack: str = STACK) -> dict[str, str]:
        found = self.describe(stack)["Outputs"]
        return {one["OutputKey"]: one["OutputValue"] for one in found}

    def events(self, stack: str = STACK) -> list[str]:
        """Return the events, oldest first, as ``logical-id STATUS``."""
        return [f"{one['LogicalResourceId']} {one['ResourceStatus']}" for one in self.told(stack)]

    def told(self, stack: str = STACK) -> list[dict[str, Any]]:
        """Return the events, oldest first."""
        pages = self.stacks.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]][::-1]

    def reasons(self, logical_id: str, stack: str = STACK) -> str:
        """Return all the reasons that were given for a resource."""
        found = [one for one in self.told(stack) if one["LogicalResourceId"] == logical_id]
        return "\n".join(one.get("ResourceStatusReason", "") for one in found)

    def physical_id(self, logical_id: str = "Orders", stack: str = STACK) -> str:
        found = self.stacks.describe_stack_resource(StackName=stack, LogicalResourceId=logical_id)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def tables(self) -> list[str]:
        return list(self.dynamodb.list_tables()["TableNames"])

    def table(self, name: str = ORDERS) -> dict[str, Any]:
        return dict(self.dynamodb.describe_table(TableName=name)["Table"])

    def key(self, name: str = ORDERS) -> list[str]:
        """Return the key's attributes."""
        return [one["AttributeName"] for one in self.table(name)["KeySchema"]]

    def put(self, name: str = ORDERS, **attributes: str) -> None:
        item = {key: {"S": value} for key, value in attributes.items()}
        self.dynamodb.put_item(TableName=name, Item=item)

    def count(self, name: str = ORDERS) -> int:
        return int(self.dynamodb.scan(TableName=name, Select="COUNT")["Count"])


def template(outputs: Mapping[str, Any] | None = None, **resources: Any) -> Template:
    """Return a template of these resources; a queue is always there."""
    body: Template = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}, **resources}}
    return {**body, "Outputs": dict(outputs)} if outputs else body


def table(
    *keys: str, name: str | None = ORDERS, policy: str | None = "Delete", **properties: Any
) -> dict[str, Any]:
    """Return a table keyed by ``keys``, all text; ``policy`` is for removal and replacement."""
    named = {} if name is None else {"TableName": name}
    policies = {} if policy is None else {"DeletionPolicy": policy, "UpdateReplacePolicy": policy}
    return {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            **_keyed(keys or ("id",)),
            "BillingMode": "PAY_PER_REQUEST",
            **named,
            **properties,
        },
        **policies,
    }


def global_table(
    *keys: str, name: str | None = ORDERS, policy: str = "Delete", **properties: Any
) -> dict[str, Any]:
    """Return the same as CDK's TableV2 writes it; replica's properties go under ``replica``."""
    replica = {"Region": {"Ref": "AWS::Region"}, **properties.pop("replica", {})}
    found = table(*keys, name=name, policy=policy, Replicas=[replica], **properties)
    return {**found, "Type": "AWS::DynamoDB::GlobalTable"}


def index(name: str, key: str) -> dict[str, Any]:
    """Return a global index with everything in it."""
    schema = [{"AttributeName": key, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def attributes(*names: str) -> list[dict[str, str]]:
    """Return definitions of text attributes."""
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def _keyed(keys: tuple[str, ...]) -> dict[str, Any]:
    kinds = ("HASH", "RANGE")
    return {
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)
        ],
        "AttributeDefinitions": attributes(*keys),
    }
