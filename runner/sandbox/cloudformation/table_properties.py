"""A table as a template describes it, in the terms of DynamoDB's own requests.

It serves AWS::DynamoDB::Table and, in one Region, AWS::DynamoDB::GlobalTable. What the sandbox
does not support, it refuses: an incomplete table must not look like a success.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from retable.runner.sandbox.cloudformation.kind import ResourceError

TABLE = "AWS::DynamoDB::Table"
GLOBAL_TABLE = "AWS::DynamoDB::GlobalTable"
PASSED_THROUGH = ("KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes")
SHARED = frozenset(
    {
        *PASSED_THROUGH,
        "BillingMode",
        "GlobalSecondaryIndexes",
        "SSESpecification",
        "StreamSpecification",
        "TableName",
        "TimeToLiveSpecification",
        "WarmThroughput",
    }
)
OF_A_REPLICA = frozenset(
    {
        "ContributorInsightsSpecification",
        "DeletionProtectionEnabled",
        "PointInTimeRecoverySpecification",
        "ResourcePolicy",
        "TableClass",
        "Tags",
    }
)
"""Properties of a Table, and of a GlobalTable's replica."""
OF_TABLES = SHARED | OF_A_REPLICA | {"OnDemandThroughput", "ProvisionedThroughput"}
OF_GLOBAL_TABLES = SHARED | {
    "Replicas",
    "WriteOnDemandThroughputSettings",
    "WriteProvisionedThroughputSettings",
}
OF_REPLICAS = OF_A_REPLICA | {
    "GlobalSecondaryIndexes",
    "ReadOnDemandThroughputSettings",
    "ReadProvisionedThroughputSettings",
    "Region",
    "SSESpecification",
}
INSIGHTS = "ContributorInsightsSpecification"
INDEX_ITSELF = ("IndexName", "KeySchema", "Projection")
OF_INDEXES = frozenset(
    {*INDEX_ITSELF, INSIGHTS, "OnDemandThroughput", "ProvisionedThroughput", "WarmThroughput"}
)
INDEX_READS = ("ReadProvisionedThroughputSettings", "ReadOnDemandThroughputSettings")

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TableProperties:
    """A table to create: ``request`` is CreateTable's, without name, tags and policy."""

    request: Mapping[str, Any]
    tags: Mapping[str, str]
    policy: str | None
    ttl: str | None
    recovery: Mapping[str, Any]
    insights: frozenset[str]
    """Indexes with contributor insights; the table itself is the empty name."""


def table_properties(kind: str, properties: Properties, region: str) -> TableProperties:
    """Return the table that the resource of type ``kind`` declares.

    Raises:
        ResourceError: a property is unknown, or the sandbox does not support it.
    """
    if kind == GLOBAL_TABLE:
        properties = _as_table(properties, region)
    _refuse_others(properties, OF_TABLES)
    request = {name: properties[name] for name in PASSED_THROUGH if name in properties}
    request["BillingMode"] = properties.get("BillingMode", "PROVISIONED")
    request.update(_capacity(properties))
    indexes = properties.get("GlobalSecondaryIndexes") or []
    for index in indexes:
        _refuse_others(index, OF_INDEXES)
    if indexes:
        request["GlobalSecondaryIndexes"] = [
            {**_only(index, INDEX_ITSELF), **_capacity(index)} for index in indexes
        ]
    request["DeletionProtectionEnabled"] = _is_on(properties.get("DeletionProtectionEnabled"))
    if "TableClass" in properties:
        request["TableClass"] = properties["TableClass"]
    request.update(_stream(properties.get("StreamSpecification") or {}))
    request.update(_encryption(properties.get("SSESpecification") or {}))
    ttl = properties.get("TimeToLiveSpecification") or {}
    recovery = properties.get("PointInTimeRecoverySpecification") or {}
    return TableProperties(
        request=request,
        tags={str(tag["Key"]): str(tag["Value"]) for tag in properties.get("Tags") or ()},
        policy=_policy(properties.get("ResourcePolicy")),
        ttl=ttl["AttributeName"] if _is_on(ttl.get("Enabled")) else None,
        recovery=_recovery(recovery),
        insights=frozenset(
            str(one.get("IndexName", ""))
            for one in (_only(properties, (INSIGHTS,)), *indexes)
            if _is_on((one.get(INSIGHTS) or {}).get("Enabled"))
        ),
    )


def _as_table(properties: Properties, region: str) -> dict[str, Any]:
    """Return a single-Region GlobalTable as the equivalent Table."""
    _refuse_others(properties, OF_GLOBAL_TABLES)
    replicas = properties.get("Replicas") or []
    if [replica.get("Region") for replica in replicas] != [region]:
        message = f"the sandbox does not support replicas outside of {region}"
        raise ResourceError(message)
    replica = replicas[0]
    _refuse_others(replica, OF_REPLICAS)
    table = {
        **_only(properties, SHARED),
        **_only(replica, OF_A_REPLICA),
        **_both_sides({**properties, **_only(replica, INDEX_READS)}),
    }
    key = replica.get("SSESpecification") or {}
    if key:
        table["SSESpecification"] = {**table.get("SSESpecification", {}), **key}
    if properties.get("GlobalSecondaryIndexes"):
        reads = {index["IndexName"]: index for index in replica.get("GlobalSecondaryIndexes") or ()}
        table["GlobalSecondaryIndexes"] = [
            {
                **_only(index, (*INDEX_ITSELF, "WarmThroughput")),
                **_only(reads.get(index["IndexName"], {}), (INSIGHTS,)),
                **_both_sides({**index, **reads.get(index["IndexName"], {})}),
            }
            for index in properties["GlobalSecondaryIndexes"]
        ]
    return table


def _both_sides(settings: Properties) -> dict[str, Any]:
    """Return the throughput of a GlobalTable's or its index's settings."""
    found: dict[str, Any] = {}
    read = settings.get("ReadProvisionedThroughputSettings")
    write = settings.get("WriteProvisionedThroughputSettings")
    if read and write:
        found["ProvisionedThroughput"] = {
            "ReadCapacityUnits": _units(read, "Read"),
            "WriteCapacityUnits": _units(write, "Write"),
        }
    on_demand = {
        **(settings.get("ReadOnDemandThroughputSettings") or {}),
        **(settings.get("WriteOnDemandThroughputSettings") or {}),
    }
    if on_demand:
        found["OnDemandThroughput"] = on_demand
    return found


def _units(settings: Properties, side: str) -> Any:
    """Return the initial capacity units; an autoscaled dimension begins at its minimum."""
    scaling = settings.get(f"{side}CapacityAutoScalingSettings")
    if scaling is None:
        return settings[f"{side}CapacityUnits"]
    return scaling.get("SeedCapacity", scaling["MinCapacity"])


def _capacity(properties: Properties) -> dict[str, Any]:
    """Return the throughput of a table or an index, in whole numbers."""
    names = ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
    return {
        name: {unit: _whole(value) for unit, value in properties[name].items()}
        for name in names
        if properties.get(name)
    }


def _stream(specification: Properties) -> dict[str, Any]:
    """Return CreateTable's StreamSpecification, if a stream is declared."""
    _refuse_others(specification, {"StreamViewType", "StreamEnabled"})
    view = specification.get("StreamViewType")
    if view is None:
        return {}
    return {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}}


def _encryption(specification: Properties) -> dict[str, Any]:
    """Return CreateTable's SSESpecification, unless it is DynamoDB's default."""
    if not _is_on(specification.get("SSEEnabled")):
        return {}
    desired = {"Enabled": True, "SSEType": specification.get("SSEType", "KMS")}
    if "KMSMasterKeyId" in specification:
        desired["KMSMasterKeyId"] = specification["KMSMasterKeyId"]
    return {"SSESpecification": desired}


def _recovery(specification: Properties) -> dict[str, Any]:
    """Return UpdateContinuousBackups' specification."""
    desired: dict[str, Any] = {
        "PointInTimeRecoveryEnabled": _is_on(specification.get("PointInTimeRecoveryEnabled"))
    }
    if "RecoveryPeriodInDays" in specification:
        desired["RecoveryPeriodInDays"] = _whole(specification["RecoveryPeriodInDays"])
    return desired


def _policy(found: Properties | None) -> str | None:
    """Return a resource policy as a string, always the same for the same policy."""
    if not found:
        return None
    return orjson.dumps(found["PolicyDocument"], option=orjson.OPT_SORT_KEYS).decode()


def _refuse_others(properties: Properties, known: Iterable[str]) -> None:
    """Refuse properties that the sandbox would have to ignore."""
    others = sorted(set(properties) - set(known))
    if others:
        raise _cannot(others[0])


def _cannot(name: str) -> ResourceError:
    return ResourceError(f"the sandbox does not support the property {name}")


def _only(found: Properties, names: Iterable[str]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def _is_on(value: object) -> bool:
    """Return a boolean, which a template may write as a string."""
    return value is True or str(value).lower() == "true"


def _whole(value: object) -> int:
    """Return a whole number, which a template may write as a string."""
    try:
        return int(str(value))
    except ValueError as error:
        message = f"expected a whole number, found {str(value)[:40]!r}"
        raise ResourceError(message) from error
