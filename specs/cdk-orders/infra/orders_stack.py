"""The orders table as code, in each state of its rebuild.

Context, all of it strings:

    orders-table      absent, by-order (the old key) or by-customer (the new key)
    orders-live       yes: with a stream and TTL, which only a table in use has
    orders-name       generated: CloudFormation generates a name; else the table is called "orders"
    orders-removal    retain: the table outlives its resource; else it is deleted with it
    orders-construct  TableV2: an AWS::DynamoDB::GlobalTable; else an AWS::DynamoDB::Table
    orders-protected  yes: with deletion protection
    orders-receipts   no: without the bucket, so the table is the only resource

A stack without any resource is destroyed by ``cdk deploy``, not updated: keep one beside the table.
"""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from constructs import Construct

KEYS = {
    "by-order": ("order_id", None),
    "by-customer": ("customer_id", "order_key"),
}


class OrdersStack(cdk.Stack):
    """The orders table, and an unrelated bucket."""

    def __init__(self, scope: Construct, name: str, **more: Any) -> None:
        """Declare the resources that the context selects."""
        super().__init__(scope, name, **more)
        if self._context("orders-receipts") != "no":
            s3.Bucket(self, "Receipts", removal_policy=cdk.RemovalPolicy.DESTROY)
        state = self._context("orders-table")
        if state == "absent":
            return
        if state not in KEYS:
            message = f"orders-table is {state!r}; expected absent, {' or '.join(KEYS)}"
            raise ValueError(message)
        table = self._table(*KEYS[state])
        cdk.CfnOutput(self, "TableName", value=table.table_name)
        if self._is_live:
            cdk.CfnOutput(self, "StreamArn", value=table.table_stream_arn)

    def _table(self, partition: str, sort: str | None) -> dynamodb.ITable:
        """Declare the table."""
        settings: dict[str, Any] = {
            "partition_key": _text(partition),
            "sort_key": None if sort is None else _text(sort),
            "table_name": None if self._context("orders-name") == "generated" else "orders",
            "removal_policy": (
                cdk.RemovalPolicy.RETAIN
                if self._context("orders-removal") == "retain"
                else cdk.RemovalPolicy.DESTROY
            ),
            "deletion_protection": self._context("orders-protected") == "yes",
            "point_in_time_recovery_specification": dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
        }
        if self._is_live:
            settings["time_to_live_attribute"] = "expires_at"
        stream = dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if self._is_live else None
        if self._context("orders-construct") == "TableV2":
            table_v2 = dynamodb.TableV2(
                self,
                "OrdersTable",
                billing=dynamodb.Billing.on_demand(),
                dynamo_stream=stream,
                **settings,
            )
            table_v2.add_global_secondary_index(
                index_name="by_status",
                partition_key=_text("status"),
                sort_key=_text("created_at"),
            )
            return table_v2
        table = dynamodb.Table(
            self,
            "OrdersTable",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=stream,
            **settings,
        )
        table.add_global_secondary_index(
            index_name="by_status", partition_key=_text("status"), sort_key=_text("created_at")
        )
        return table

    @property
    def _is_live(self) -> bool:
        """Return whether the table is declared as it is in use."""
        return self._context("orders-live") == "yes"

    def _context(self, name: str) -> str | None:
        """Return a value of the context."""
        return self.node.try_get_context(name)


def _text(name: str) -> dynamodb.Attribute:
    """Return a string attribute."""
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
