"""Scans and tables over several requests: pages, segments, recreation."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from support.engines import Engine

ITEMS = 200
LARGE = 40
"""Items of 60 KB, so that a scan of them takes several pages of 1 MB."""


def test_segments_return_every_item_exactly_once(engine: Engine) -> None:
    table = _filled(engine)
    for total in (1, 2, 3, 7):
        found = Counter(
            item["sk"]["N"]
            for segment in range(total)
            for item in _scanned(engine, table, Segment=segment, TotalSegments=total)
        )
        assert found == Counter(str(number) for number in range(ITEMS))


@pytest.mark.parametrize("limit", [1, 7, ITEMS, ITEMS + 1])
def test_pages_of_any_length_give_every_item_once(engine: Engine, limit: int) -> None:
    table = _filled(engine)
    found = Counter(item["sk"]["N"] for item in _scanned(engine, table, Limit=limit))
    assert found == Counter(str(number) for number in range(ITEMS))


def test_a_page_ends_at_one_megabyte(engine: Engine) -> None:
    name = "contract-large"
    engine.create(name, "scanned")
    for number in range(LARGE):
        item = {"pk": {"S": "p"}, "sk": {"N": str(number)}, "v": {"S": "x" * 60_000}}
        engine.wire.done("PutItem", {"TableName": name, "Item": item})
    first = engine.wire.done("Scan", {"TableName": name})
    assert 1_000_000 < len(first["Items"]) * 60_000 < 1_110_000
    assert "LastEvaluatedKey" in first
    assert len(list(_scanned(engine, name))) == LARGE
    engine.drop(name)


def test_a_recreated_table_has_another_id_and_is_empty(engine: Engine) -> None:
    name = "contract-again"
    first = engine.create(name, "simple")["TableId"]
    engine.wire.done("PutItem", {"TableName": name, "Item": {"pk": {"S": "a"}}})
    engine.drop(name)
    assert engine.create(name, "simple")["TableId"] != first
    assert engine.wire.done("Scan", {"TableName": name})["Count"] == 0
    engine.drop(name)


def _filled(engine: Engine) -> str:
    """Return a table of 200 items in 40 partitions."""
    known = "scanned" in engine.tables
    table = engine.table("scanned")
    for start in range(0, 0 if known else ITEMS, 25):
        items = [
            {"pk": {"S": f"p{number % 40}"}, "sk": {"N": str(number)}}
            for number in range(start, start + 25)
        ]
        requests = [{"PutRequest": {"Item": item}} for item in items]
        engine.wire.done("BatchWriteItem", {"RequestItems": {table: requests}})
    return table


def _scanned(engine: Engine, table: str, **how: Any) -> Iterator[dict[str, Any]]:
    """Yield every item of a scan, page by page."""
    start: dict[str, Any] = {}
    while True:
        body = {"TableName": table, "ConsistentRead": True, **how, **start}
        page = engine.wire.done("Scan", body)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
