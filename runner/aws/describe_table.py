"""Reads DescribeTable's answer into our types."""

from collections.abc import Mapping
from typing import Any, Literal

from retable.runner.table.settings import WHOLE, TableDescription, WarmThroughput
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, KeyType, Provisioned

PROJECTIONS: Mapping[str, Literal["all", "keys"]] = {"ALL": "all", "KEYS_ONLY": "keys"}
ENCRYPTED = frozenset(["ENABLED", "ENABLING", "UPDATING"])


def describe(table: Mapping[str, Any]) -> TableDescription:
    """Return the description in ``table``, the ``Table`` of DescribeTable's answer."""
    types: dict[str, KeyType] = {
        entry["AttributeName"]: entry["AttributeType"] for entry in table["AttributeDefinitions"]
    }
    partition, sort = _keys(table["KeySchema"], types)
    stream = table.get("StreamSpecification") or {}
    return TableDescription(
        name=table["TableName"],
        arn=table["TableArn"],
        table_id=table.get("TableId"),
        status=table["TableStatus"],
        key=KeySchema(partition=partition[0], sort=sort[0] if sort else None),
        indexes=Indexes(
            global_=_indexes(table.get("GlobalSecondaryIndexes"), types),
            local=_indexes(table.get("LocalSecondaryIndexes"), types),
        ),
        billing=_billing(table),
        deletion_protection=bool(table.get("DeletionProtectionEnabled")),
        stream=stream.get("StreamViewType") if stream.get("StreamEnabled") else None,
        table_class=(table.get("TableClassSummary") or {}).get("TableClass"),
        sse=_sse(table.get("SSEDescription") or {}),
        replicas=_replicas(table),
        item_count=int(table.get("ItemCount") or 0),
        size_bytes=int(table.get("TableSizeBytes") or 0),
        index_billing=_index_billing(table),
        on_demand=_on_demand(table),
        index_on_demand=_index_on_demand(table),
        vector_indexes=tuple(index["IndexName"] for index in table.get("VectorIndexes") or ()),
        warm=_warm(table),
    )


def _keys(
    schema: list[Mapping[str, str]], types: Mapping[str, KeyType]
) -> tuple[tuple[KeyAttribute, ...], tuple[KeyAttribute, ...]]:
    """Return the partition and sort key attributes of a KeySchema, in its order."""
    sides: dict[str, list[KeyAttribute]] = {"HASH": [], "RANGE": []}
    for entry in schema:
        name = entry["AttributeName"]
        sides[entry["KeyType"]].append(KeyAttribute(name, types[name]))
    return tuple(sides["HASH"]), tuple(sides["RANGE"])


def _indexes(
    found: list[Mapping[str, Any]] | None, types: Mapping[str, KeyType]
) -> tuple[Index, ...]:
    """Return the indexes, sorted by name so that equal tables give equal plans (I7)."""
    indexes = []
    for entry in found or ():
        partition, sort = _keys(entry["KeySchema"], types)
        kind = entry["Projection"]["ProjectionType"]
        projection = PROJECTIONS.get(kind) or tuple(
            sorted(entry["Projection"].get("NonKeyAttributes", ()))
        )
        indexes.append(
            Index(name=entry["IndexName"], partition=partition, sort=sort, projection=projection)
        )
    return tuple(sorted(indexes, key=lambda index: index.name))


def _billing(table: Mapping[str, Any]) -> Literal["on-demand"] | Provisioned:
    """Return the billing mode; a table that never changed it has no BillingModeSummary."""
    mode = (table.get("BillingModeSummary") or {}).get("BillingMode")
    found = _provisioned(table)
    return "on-demand" if mode == "PAY_PER_REQUEST" or found is None else found


def _provisioned(described: Mapping[str, Any]) -> Provisioned | None:
    """Return the capacity of a table or an index; zero units mean on demand."""
    throughput = described.get("ProvisionedThroughput") or {}
    write = int(throughput.get("WriteCapacityUnits") or 0)
    return Provisioned(read=int(throughput["ReadCapacityUnits"]), write=write) if write else None


def _index_billing(table: Mapping[str, Any]) -> dict[str, Provisioned]:
    """Return the capacity of each global index that has one."""
    if _billing(table) == "on-demand":
        return {}
    indexes = sorted(_global_indexes(table), key=lambda index: str(index["IndexName"]))
    found = {index["IndexName"]: _provisioned(index) for index in indexes}
    return {name: own for name, own in found.items() if own is not None}


def _index_on_demand(table: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return the maximum throughput of each global index that has one."""
    found = {index["IndexName"]: _on_demand(index) for index in _global_indexes(table)}
    return {name: found[name] for name in sorted(found) if found[name]}


def _on_demand(described: Mapping[str, Any]) -> dict[str, int]:
    """Return the OnDemandThroughput with the same maximums; -1 means none."""
    found = described.get("OnDemandThroughput") or {}
    names = ("MaxReadRequestUnits", "MaxWriteRequestUnits")
    return {name: int(found[name]) for name in names if int(found.get(name) or -1) > 0}


def _replicas(table: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the table's other Regions; CDK's TableV2 may list its own Region as well."""
    own = str(table["TableArn"]).split(":")[3]
    names = {str(replica["RegionName"]) for replica in table.get("Replicas") or ()}
    return tuple(sorted(names - {own}))


def _warm(table: Mapping[str, Any]) -> dict[str, WarmThroughput]:
    """Return the warm throughput of the table and of each global index that reports one."""
    indexes = {index["IndexName"]: index for index in _global_indexes(table)}
    found = {WHOLE: table} | {name: indexes[name] for name in sorted(indexes)}
    reported = {
        name: one["WarmThroughput"] for name, one in found.items() if one.get("WarmThroughput")
    }
    return {
        name: WarmThroughput(
            read=int(one.get("ReadUnitsPerSecond") or 0),
            write=int(one.get("WriteUnitsPerSecond") or 0),
        )
        for name, one in reported.items()
    }


def _global_indexes(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return table.get("GlobalSecondaryIndexes") or []


def _sse(found: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the SSESpecification that gives the same encryption, or ``None`` for AWS's default."""
    if found.get("Status") not in ENCRYPTED:
        return None
    specification = {"Enabled": True, "SSEType": found.get("SSEType", "KMS")}
    if found.get("KMSMasterKeyArn"):
        specification["KMSMasterKeyId"] = found["KMSMasterKeyArn"]
    return specification
