"""The source table that a spec's ``sandbox`` section declares, as CreateTable takes it."""

from collections.abc import Iterable
from typing import Any

from retable.schema.spec import Index, KeyAttribute, KeySchema, Provisioned, Sandbox


def table_request(table: str, section: Sandbox) -> dict[str, Any]:
    """Return the CreateTable request of the source."""
    indexes = (*section.indexes.global_, *section.indexes.local)
    attributes = {attribute.name: attribute.type for attribute in section.key.attributes}
    for index in indexes:
        attributes.update({part.name: part.type for part in (*index.partition, *index.sort)})
    throughput = _throughput(section.billing)
    request: dict[str, Any] = {
        "TableName": table,
        "KeySchema": _key_schema(section.key),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()
        ],
        "BillingMode": "PROVISIONED" if throughput else "PAY_PER_REQUEST",
        **throughput,
    }
    if section.indexes.global_:
        request["GlobalSecondaryIndexes"] = [
            {**_index_request(index), **throughput} for index in section.indexes.global_
        ]
    if section.indexes.local:
        request["LocalSecondaryIndexes"] = [
            _index_request(index) for index in section.indexes.local
        ]
    return request


def _throughput(billing: Provisioned | str) -> dict[str, Any]:
    """Return the capacity member of a request; empty if on demand."""
    if not isinstance(billing, Provisioned):
        return {}
    units = {"ReadCapacityUnits": billing.read, "WriteCapacityUnits": billing.write}
    return {"ProvisionedThroughput": units}


def _index_request(index: Index) -> dict[str, Any]:
    """Return an index as CreateTable takes it."""
    projection: dict[str, Any] = {"ProjectionType": "INCLUDE"}
    if index.projection == "all":
        projection["ProjectionType"] = "ALL"
    elif index.projection == "keys":
        projection["ProjectionType"] = "KEYS_ONLY"
    else:
        projection["NonKeyAttributes"] = list(index.projection)
    return {
        "IndexName": index.name,
        "KeySchema": [*_schema(index.partition, "HASH"), *_schema(index.sort, "RANGE")],
        "Projection": projection,
    }


def _key_schema(key: KeySchema) -> list[dict[str, str]]:
    """Return the table's key as CreateTable takes it."""
    sort = () if key.sort is None else (key.sort,)
    return [*_schema((key.partition,), "HASH"), *_schema(sort, "RANGE")]


def _schema(attributes: Iterable[KeyAttribute], kind: str) -> list[dict[str, str]]:
    """Return one element of a key schema."""
    return [{"AttributeName": attribute.name, "KeyType": kind} for attribute in attributes]
