"""The app that the assemblies beside it were synthesized from. ``generate.py`` says how."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from constructs import Construct

ACCOUNT, REGION = "123456789012", "eu-west-1"
LOADER = f"arn:aws:iam::{ACCOUNT}:role/loader"
WRITES = (
    "BatchWriteItem",
    "DeleteItem",
    "PartiQLDelete",
    "PartiQLInsert",
    "PartiQLUpdate",
    "PutItem",
    "UpdateItem",
)


def text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def fence() -> iam.PolicyDocument:
    """Deny item writes to all but the loader."""
    return iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid="RetableFence",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=[f"dynamodb:{action}" for action in WRITES],
                resources=["*"],
                conditions={"ArnNotLike": {"aws:PrincipalArn": LOADER}},
            )
        ]
    )


class Orders(cdk.Stack):
    """A table that comes and goes by the context, between things that stay."""

    def __init__(self, scope: Construct, name: str, **more: Any) -> None:
        super().__init__(scope, name, **more)
        state = self.node.try_get_context("orders-table") or "by-id"
        live = self.node.try_get_context("orders-live") == "yes"
        bucket = s3.CfnBucket(self, "Exports", bucket_name="acme-exports")
        bucket.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        kms.CfnKey(self, "Secret", key_policy={"Version": "2012-10-17", "Statement": []})
        worker = iam.Role(self, "Worker", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        if state == "by-id":
            table = self._by_id()
        elif state == "by-customer":
            table = self._by_customer(live=live)
        else:
            worker.add_to_policy(
                iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"])
            )
            return
        cdk.Tags.of(table).add("team", "orders")
        table.add_global_secondary_index(
            index_name="by_status",
            partition_key=text("status"),
            sort_key=dynamodb.Attribute(name="created_at", type=dynamodb.AttributeType.NUMBER),
        )
        worker.add_to_policy(iam.PolicyStatement(actions=["s3:ListAllMyBuckets"], resources=["*"]))
        table.grant_read_data(worker)
        if live:
            self._consumer(table, worker)
        cdk.CfnOutput(self, "TableArn", value=table.table_arn, export_name="orders-arn")

    def _by_id(self) -> dynamodb.Table:
        table = dynamodb.Table(
            self,
            "OrdersTable",
            table_name="orders",
            partition_key=text("id"),
            billing_mode=dynamodb.BillingMode.PROVISIONED,
            time_to_live_attribute="expires_at",
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        scaling = table.auto_scale_write_capacity(min_capacity=5, max_capacity=50)
        scaling.scale_on_utilization(target_utilization_percent=70)
        return table

    def _by_customer(self, *, live: bool) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "OrdersTable",
            table_name="orders",
            partition_key=text("customer_id"),
            sort_key=text("order_key"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at" if live else None,
            stream=dynamodb.StreamViewType.NEW_IMAGE if live else None,
            resource_policy=None if live else fence(),
        )

    def _consumer(self, table: dynamodb.Table, worker: iam.Role) -> None:
        table.grant_stream_read(worker)
        lambda_.CfnEventSourceMapping(
            self,
            "Consumer",
            function_name="orders-consumer",
            event_source_arn=table.table_stream_arn,
            starting_position="LATEST",
        )


class Inner(cdk.NestedStack):
    """A nested stack whose table has the logical id that one of its parent's could have."""

    def __init__(self, scope: Construct, name: str, key: str) -> None:
        super().__init__(scope, name)
        table = dynamodb.Table(self, "Table", partition_key=text("id"))
        cdk.CfnOutput(self, "Name", value=f"{table.table_name} {key}")
        self.table = table


class Data(cdk.Stack):
    """Every other way of making a table, with no fixed account or region."""

    def __init__(self, scope: Construct, name: str, **more: Any) -> None:
        super().__init__(scope, name, **more)
        dynamodb.TableV2(
            self,
            "Global",
            partition_key=text("id"),
            removal_policy=cdk.RemovalPolicy.DESTROY,
            deletion_protection=True,
            time_to_live_attribute="ttl",
            dynamo_stream=dynamodb.StreamViewType.NEW_IMAGE,
            tags=[cdk.CfnTag(key="team", value="data")],
        )
        dynamodb.CfnTable(
            self,
            "Raw",
            key_schema=[{"attributeName": "id", "keyType": "HASH"}],
            attribute_definitions=[{"attributeName": "id", "attributeType": "B"}],
            billing_mode="PAY_PER_REQUEST",
            table_name=cdk.Fn.join("-", ["raw", cdk.Aws.REGION]),
        )
        top = dynamodb.Table(self, "Table", partition_key=text("top"))
        inner = Inner(self, "Inner", top.table_name)
        cdk.CfnOutput(self, "InnerArn", value=inner.table.table_arn)


app = cdk.App()
if app.node.try_get_context("stage") == "yes":
    stage = cdk.Stage(app, "Prod")
    credentials = cdk.CliCredentialsStackSynthesizer()
    Data(stage, "Data", stack_name="prod-data", synthesizer=credentials)
else:
    Orders(
        app,
        "OrdersStack",
        env=cdk.Environment(account=ACCOUNT, region=REGION),
        synthesizer=cdk.BootstraplessSynthesizer(),
    )
app.synth()
