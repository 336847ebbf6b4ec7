"""CreateTable's parameters, from the source's and the spec's."""

from collections.abc import Iterable
from typing import Any

from retable.runner.failure import Refused
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.spec import Index, Indexes, KeyAttribute, Provisioned, Target

PROJECTIONS = {"all": "ALL", "keys": "KEYS_ONLY"}


def create_request(target: Target, source: TableSettings) -> dict[str, Any]:
    """Return the request that creates ``target``, with the source's values where it keeps them.

    Raises:
        Refused: the source's indexes cannot be kept with the target's key, or one attribute has
            different types in the keys of the table and an index.
    """
    kept = source.description
    indexes = kept.indexes if target.indexes == "keep" else target.indexes
    billing = kept.billing if target.billing == "keep" else target.billing
    _require_fitting_local_indexes(target, indexes)
    request: dict[str, Any] = {
        "TableName": target.table,
        "KeySchema": _key_schema((target.key.partition,), _sort(target)),
        "AttributeDefinitions": _definitions(target, indexes),
        **_billing(billing),
    }
    if billing == "on-demand" and target.billing == "keep" and kept.on_demand:
        request["OnDemandThroughput"] = dict(kept.on_demand)
    if indexes.global_:
        request["GlobalSecondaryIndexes"] = [
            {**_index(index), **_index_throughput(index, target, kept, billing)}
            for index in indexes.global_
        ]
    if indexes.local:
        request["LocalSecondaryIndexes"] = [_index(index) for index in indexes.local]
    if kept.table_class:
        request["TableClass"] = kept.table_class
    if kept.sse:
        request["SSESpecification"] = dict(kept.sse)
    return request


def _require_fitting_local_indexes(target: Target, indexes: Indexes) -> None:
    """Local indexes share the table's partition key, so a new key cannot keep them."""
    for index in indexes.local:
        if index.partition != (target.key.partition,) or target.key.sort is None:
            message = (
                f"the local index {index.name} is keyed by {index.partition[0].name}, "
                f"the target by {target.key.partition.name}"
            )
            raise Refused(message, "declare target.indexes without it, or make it a global index")


def _sort(target: Target) -> tuple[KeyAttribute, ...]:
    """Return the sort key, if there is one."""
    return () if target.key.sort is None else (target.key.sort,)


def _key_schema(
    partition: Iterable[KeyAttribute], sort: Iterable[KeyAttribute]
) -> list[dict[str, str]]:
    """Return a KeySchema."""
    return [
        *({"AttributeName": key.name, "KeyType": "HASH"} for key in partition),
        *({"AttributeName": key.name, "KeyType": "RANGE"} for key in sort),
    ]


def _definitions(target: Target, indexes: Indexes) -> list[dict[str, str]]:
    """Return exactly the attributes that keys use; DynamoDB refuses others."""
    types: dict[str, str] = {key.name: key.type for key in target.key.attributes}
    for index in (*indexes.global_, *indexes.local):
        for key in (*index.partition, *index.sort):
            known = types.setdefault(key.name, key.type)
            if known != key.type:
                message = f"the index {index.name} has {key.name} as {key.type}, another key has it"
                message += f" as {known}"
                raise Refused(message, "an attribute has one type in all keys of a table")
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in sorted(types.items())]


def _billing(billing: str | Provisioned) -> dict[str, Any]:
    """Return the billing parameters of the table."""
    if isinstance(billing, Provisioned):
        return {"BillingMode": "PROVISIONED", **_throughput(billing)}
    return {"BillingMode": "PAY_PER_REQUEST"}


def _index_throughput(
    index: Index, target: Target, kept: TableDescription, billing: str | Provisioned
) -> dict[str, Any]:
    """Return the throughput of a global index: its own if it is kept, else the table's."""
    if isinstance(billing, Provisioned):
        own = kept.index_billing.get(index.name) if target.billing == "keep" else None
        return _throughput(own or billing)
    bounds = kept.index_on_demand.get(index.name) if target.billing == "keep" else None
    return {"OnDemandThroughput": dict(bounds)} if bounds else {}


def _throughput(billing: Provisioned) -> dict[str, Any]:
    """Return provisioned capacity in the form of a request."""
    units = {"ReadCapacityUnits": billing.read, "WriteCapacityUnits": billing.write}
    return {"ProvisionedThroughput": units}


def _index(index: Index) -> dict[str, Any]:
    """Return one index of the request."""
    if isinstance(index.projection, tuple):
        projection: dict[str, Any] = {
            "ProjectionType": "INCLUDE",
            "NonKeyAttributes": list(index.projection),
        }
    else:
        projection = {"ProjectionType": PROJECTIONS[index.projection]}
    return {
        "IndexName": index.name,
        "KeySchema": _key_schema(index.partition, index.sort),
        "Projection": projection,
    }
