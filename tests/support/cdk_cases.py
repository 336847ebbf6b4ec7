"""The rebuild that the checked-in assemblies are of, and changes to it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from retable.runner.cdk.cdk_finding import Finding
from retable.runner.cdk.prove import Case, Known
from retable.runner.cdk.table_shape import DeclaredTable
from retable.runner.cdk.template import Template
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema
from support.assemblies import HERE, ORDERS, orders

LOADER = "arn:aws:iam::123456789012:role/loader"
WANT = DeclaredTable(
    name="orders",
    key=KeySchema(partition=KeyAttribute("customer_id", "S"), sort=KeyAttribute("order_key", "S")),
    indexes=Indexes(
        global_=(
            Index(
                name="by_status",
                partition=(KeyAttribute("status", "S"),),
                sort=(KeyAttribute("created_at", "N"),),
            ),
        )
    ),
    billing="on-demand",
    ttl="expires_at",
)
KNOWN = Known(principals=(LOADER,), today=date(2026, 11, 20))
CASE = Case(
    deployed=orders("by-id").template,
    absent=orders("absent").template,
    present=orders("by-customer").template,
    final=orders("final").template,
    old=ORDERS,
    new=ORDERS,
    at=HERE,
)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "other"}}


def codes_of(found: Iterable[Finding]) -> list[str]:
    return [one.code for one in found]


def with_policy(resource: dict[str, Any], policy: str | None) -> dict[str, Any]:
    """Return a resource with another DeletionPolicy, or none."""
    rest = {name: value for name, value in resource.items() if name != "DeletionPolicy"}
    return rest if policy is None else {**rest, "DeletionPolicy": policy}


def extended(before: Template, **resources: Any) -> Template:
    """Return a template with these resources as well, or in place of its own."""
    body = {**before.body, "Resources": {**before.body["Resources"], **resources}}
    return Template(body, before.nested)
