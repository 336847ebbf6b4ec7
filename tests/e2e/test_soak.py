"""I3: twenty thousand items through every fault at once, and the account agrees in the end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retable.runner.failure import Stopped
from retable.runner.load.quarantine import read_quarantine
from retable.runner.sandbox.server import SandboxServer
from retable.schema.spec import KeyAttribute, KeySchema
from retable.transforms import compile_mapping
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Digest, Kept
from support.dynalite import dynalite_command, running_dynalite
from support.dynamodb_wire import Wire
from support.exports import make_export
from support.loads import Loading
from support.proxy import FAULTS, proxy

COUNT = 20_000
POISON = 20_000 // 3
"""The number of the one item whose index key the table refuses."""
MOST_STOPS = 60
KEY = KeySchema(partition=KeyAttribute("id", "S"))


class Soak(Loading):
    """Many items, one of which the table refuses."""

    def __init__(self, tmp_path: Path) -> None:
        super().__init__(tmp_path, 1)
        self.count = COUNT
        self.files = make_export(tmp_path / "soak", [_item(n) for n in range(COUNT)]).check()

    def goes_through(self, address: str) -> bool:
        """Resume the load; return whether it finished before the credentials expired."""
        try:
            self.load_at(address, done_files=self.done(), marks=self.left())
        except Stopped as stopped:
            if "expired" not in stopped.message:
                raise
            return False
        return True


def _item(number: int) -> bytes:
    kind = '{"N":"1"}' if number == POISON else f'{{"S":"k-{number % 7}"}}'
    return json.dumps(
        {
            "id": {"S": f"o-{number}"},
            "n": {"N": f"{number}.50"},
            "tags": {"SS": ["b", "a"]},
            "kind": json.loads(kind),
        }
    ).encode()


@contextmanager
def engine(name: str) -> Iterator[str]:
    """Yield the address of an empty DynamoDB of that kind."""
    if name == "sandbox":
        with SandboxServer() as server:
            yield server.endpoint
        return
    command = dynalite_command()
    with running_dynalite(command) as endpoint:
        yield endpoint


@pytest.mark.parametrize("name", ["sandbox", "dynalite"])
def test_i3_every_item_survives_every_fault_at_once(tmp_path: Path, name: str) -> None:
    soak = Soak(tmp_path)
    with engine(name) as endpoint, proxy(endpoint, 7) as (between, address):
        with Wire(endpoint) as wire:
            _create(wire)
        stops = 0
        while stops < MOST_STOPS:
            if soak.goes_through(address):
                break
            stops += 1
        # An idle connection may be closed by now.
        with Wire(endpoint) as wire:
            found = _table(wire)
    assert stops == between.met["expired token"] > 0
    assert set(between.met) == set(FAULTS), "every fault was met"
    expected = _expected(soak)
    assert found == expected
    quarantined = [entry["item"]["id"]["S"] for entry in read_quarantine(soak.quarantine)]
    assert quarantined == [f"o-{POISON}"]
    assert soak.sums() == (COUNT - 1, 0, 1)


def _create(wire: Wire) -> None:
    wire.done(
        "CreateTable",
        {
            "TableName": "orders-v2",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [
                {"AttributeName": "id", "AttributeType": "S"},
                {"AttributeName": "kind", "AttributeType": "S"},
            ],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_kind",
                    "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            ],
        },
    )


def _expected(soak: Soak) -> dict[str, Digest]:
    """Return the digest of each item that the table must hold, by its key."""
    mapping = compile_mapping(soak.spec)
    found = {}
    for number in range(COUNT):
        outcome = mapping.apply(b'{"Item":%s}' % _item(number))
        assert isinstance(outcome, Kept)
        (result,) = outcome.results
        found[result.key] = result.digest
    del found[json.dumps({"id": {"S": f"o-{POISON}"}}, separators=(",", ":"))]
    return found


def _table(wire: Wire) -> dict[str, Digest]:
    """Return the digest of each item in the table, by its key."""
    found: dict[str, Digest] = {}
    start: dict[str, object] = {}
    while True:
        page = wire.done("Scan", {"TableName": "orders-v2", **start})
        for item in page["Items"]:
            described = describe_item(item, KEY)
            found[described.key] = described.digest
        if "LastEvaluatedKey" not in page:
            return found
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
