"""Stacks with a table, deployed in a standing sandbox, and specs that rebuild them."""

import functools
import json
from pathlib import Path
from typing import Any

import boto3

from support.assemblies import write_assembly

COUNT = 10
SPEC = """
spec: 1
name: {name}
source:
  table: {name}
  region: eu-west-1
  export: {{kind: native, location: s3://acme-exports/{name}/}}
target:
  table: {target}
  key: {{partition: {{name: customer, type: S}}, sort: {{name: id, type: S}}}}
rebuild:
  strategy: {strategy}
  provision:
    with: {provision}
    app: app
    stack: Hand
    construct: Table
    absent: {{assembly: absent}}
    present: {{assembly: present}}
    final: {{assembly: final}}
"""
TOPIC = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}


def table(name: str, keys: dict[str, str], policy: str, **more: Any) -> dict[str, Any]:
    """Return a table's resource, keyed by ``keys`` (of the type S)."""
    return {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": policy,
        "UpdateReplacePolicy": policy,
        "Metadata": {"aws:cdk:path": "Hand/Table/Resource"},
        "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                {"AttributeName": key, "AttributeType": "S"} for key in sorted(keys)
            ],
            "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            **more,
        },
    }


class HandStacks:
    """Stacks of hand-written assemblies in a standing sandbox."""

    def __init__(self, endpoint: str) -> None:
        self.tables = _session().client("dynamodb", endpoint_url=endpoint)
        self.stacks = _session().client("cloudformation", endpoint_url=endpoint)

    def prepare(self, folder: Path, name: str, case: dict[str, str], *, late: bool = False) -> Path:
        """Deploy a stack of its own with a filled table, and write the spec that rebuilds it.

        With ``late`` there is a topic that needs the table, and comes after it.
        """
        beside = case.get("strategy") == "side-by-side"
        target = f"{name}-new" if beside else name
        old = {"Table": table(name, {"id": "HASH"}, case["policy"])}
        new = {"Table": table(target, {"customer": "HASH", "id": "RANGE"}, case["policy"])}
        live = dict(new["Table"]["Properties"])
        live["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
        if beside:
            # The app has both tables for a while; the old one is another construct.
            old["Table"]["Metadata"] = {"aws:cdk:path": "Hand/Old/Resource"}
            old = {"Old": old["Table"]}
        kept = old if beside else {}
        after = {}
        if late:
            named = {"DisplayName": {"Ref": "Table"}}
            after = {"Late": {"Type": "AWS::SNS::Topic", "Properties": named}}
            old |= after
        states = {
            "absent": {**TOPIC, **kept},
            "present": {**TOPIC, **kept, **new, **after},
            "final": {**TOPIC, **kept, "Table": {**new["Table"], "Properties": live}, **after},
        }
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "app").mkdir()
        (folder / "app" / "cdk.json").write_text('{"app": "none"}', "utf-8")
        properties = {"templateFile": "Hand.template.json", "stackName": name}
        for state, resources in states.items():
            write_assembly(folder / state, resources, artifact={"properties": properties})
        body = json.dumps({"Resources": {**TOPIC, **old}})
        self.stacks.create_stack(StackName=name, TemplateBody=body)
        self.stacks.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1}
        )
        for n in range(COUNT):
            item = {"id": {"S": f"o-{n}"}, "customer": {"S": f"c-{n % 3}"}}
            self.tables.put_item(TableName=name, Item=item)
        spec = folder / "spec.migrate.yaml"
        told = {"strategy": "replace", "provision": "cdk", **case, "name": name, "target": target}
        spec.write_text(SPEC.format(**told), "utf-8")
        return spec

    def state(self, name: str, case: dict[str, str]) -> Any:
        """Return what a run has left of the table and its stack, without what names either."""
        target = f"{name}-new" if case.get("strategy") == "side-by-side" else name
        described = self.tables.describe_table(TableName=target)["Table"]
        items = self.tables.scan(TableName=target, ConsistentRead=True)["Items"]
        resources = self.stacks.list_stack_resources(StackName=name)["StackResourceSummaries"]
        try:
            policy = self.tables.get_resource_policy(ResourceArn=described["TableArn"])["Policy"]
        except self.tables.exceptions.PolicyNotFoundException:
            policy = None
        return {
            "key": described["KeySchema"],
            "stream": described.get("StreamSpecification"),
            "items": sorted(json.dumps(item, sort_keys=True) for item in items),
            "policy": policy,
            "status": self.stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"],
            "resources": sorted(one["LogicalResourceId"] for one in resources),
            "held": [
                one["PhysicalResourceId"].rpartition("/")[2] == target
                for one in resources
                if one["LogicalResourceId"] == "Table"
            ],
        }

    def close(self) -> None:
        """Close the clients."""
        self.tables.close()
        self.stacks.close()


@functools.cache
def _session() -> Any:
    """Return the one session, which reads what botocore knows of the services once."""
    return boto3.Session(
        aws_access_key_id="READER",
        aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        region_name="eu-west-1",
    )
