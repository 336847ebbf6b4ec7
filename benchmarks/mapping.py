"""How fast an exported line becomes its outcome, beside doing less and doing it plainly.

Prints one JSON object. ``parse`` is orjson alone, which no mapping can beat; ``naive`` is what one
writes in an afternoon: json, boto3's deserializer, jmespath for each field, boto3's serializer,
json. ``apply`` is ours with everything: judged values, canonical form, key, digest and size. They
run in turns in one process, and medians of CPU time are quoted, for the machine is noisy. Nothing
is judged here: what is too slow is for the reader to say.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jmespath
import orjson
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from retable.schema import load_spec
from retable.transforms import compile_mapping

LINES = 1_000
"""Different lines; more would measure the machine's caches."""
HEAD = """
spec: 1
name: orders-by-customer
source: {table: orders, export: {kind: native, location: .}}
target:
  table: orders-2
  key:
    partition: {name: customer_id, type: S}
    sort: {name: order_key, type: S}
transform:
"""
FIELDS = {
    "customer_id": "customer.id",
    "order_key": "join('#', [created_at, order_id])",
    "skus": "lines[*].sku",
    "first_sku": "lines[0].sku",
    "is_new": "status == 'NEW'",
    "channel": "channel",
    "status": "status",
    "total": "total",
}
"""A nested path, a join, a projection, an index, a comparison, and what is passed through."""
MORE = FIELDS | {
    "total_cents": "multiply(total, `100`)",
    "label": "upper(substring(channel, `0`, `2`))",
    "day": "split(created_at, 'T')[0]",
    "reference": "sha256(order_id)",
    "quantity": "sum(lines[*].qty)",
    "dear": "lines[?qty > `1`].sku",
    "newest": "max_by(lines, &qty).sku",
    "epoch": "iso_to_epoch(created_at)",
}


def main() -> None:
    """Measure every variant and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured")
    rounds = parser.parse_args().rounds
    lines = _lines()
    parse = orjson.loads
    fields = _mapping(FIELDS, copy="none").apply
    runs: dict[str, Callable[[bytes], Any]] = {
        "parse": parse,
        "naive": _naive(FIELDS),
        "apply": fields,
        "naive_copy_all": _naive(FIELDS, copy_all=True),
        "apply_copy_all": _mapping(FIELDS, copy="all").apply,
        "apply_functions": _mapping(MORE, copy="none").apply,
    }
    seconds = _measured(runs, lines, rounds)
    result: dict[str, Any] = {
        "line_bytes": round(statistics.mean(map(len, lines))),
        "items_per_cpu_second": {name: round(1 / each) for name, each in seconds.items()},
        "apply_against_naive": seconds["naive"] / seconds["apply"],
        "apply_against_parse": seconds["parse"] / seconds["apply"],
        "copy_all_against_naive": seconds["naive_copy_all"] / seconds["apply_copy_all"],
        "copy_all_against_parse": seconds["parse"] / seconds["apply_copy_all"],
        "functions_against_parse": seconds["parse"] / seconds["apply_functions"],
    }
    print(json.dumps({k: round(v, 2) if isinstance(v, float) else v for k, v in result.items()}))


def _measured(
    runs: dict[str, Callable[[bytes], Any]], lines: Sequence[bytes], rounds: int
) -> dict[str, float]:
    """Return the median CPU seconds that each run takes for a line."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.process_time()
            for line in lines:
                run(line)
            found[name].append((time.process_time() - start) / len(lines))
    return {name: statistics.median(each) for name, each in found.items()}


def _mapping(fields: dict[str, str], copy: str) -> Any:
    text = HEAD + f"  copy: {copy}\n  fields:\n"
    text += "".join(f"    {name}: {json.dumps(value)}\n" for name, value in fields.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "benchmark.migrate.yaml")
        path.write_text(text)
        return compile_mapping(load_spec(path))


def _naive(fields: dict[str, str], *, copy_all: bool = False) -> Callable[[bytes], bytes]:
    expressions = {name: jmespath.compile(text) for name, text in fields.items()}
    read, write = TypeDeserializer().deserialize, TypeSerializer().serialize

    def run(line: bytes) -> bytes:
        item = {name: read(typed) for name, typed in json.loads(line)["Item"].items()}
        made = dict(item) if copy_all else {}
        for name, expression in expressions.items():
            value = expression.search(item)
            if value is not None:
                made[name] = value
        return json.dumps({name: write(value) for name, value in made.items()}).encode()

    return run


def _lines() -> list[bytes]:
    chance = random.Random(7)  # noqa: S311  # the same items every time
    return [orjson.dumps({"Item": _item(number, chance)}) for number in range(LINES)]


def _item(number: int, chance: random.Random) -> dict[str, Any]:
    lines = [
        {"M": {"sku": {"S": f"sku-{chance.randrange(900)}"}, "qty": {"N": str(1 + place)}}}
        for place in range(2)
    ]
    customer = {"id": {"S": f"c-{chance.randrange(10**6):06}"}, "name": {"S": "Ada Lovelace"}}
    return {
        "order_id": {"S": f"o-{number:010}"},
        "created_at": {"S": f"2026-01-{1 + number % 28:02}T08:00:00Z"},
        "status": {"S": chance.choice(["NEW", "PAID", "SENT"])},
        "total": {"N": f"{chance.randrange(100, 10**6)}.5"},
        "customer": {"M": customer},
        "lines": {"L": lines},
        "channel": {"S": chance.choice(["web", "shop"])},
        "paid": {"BOOL": chance.choice([True, False])},
        "note": {"S": "leave it at the door, ring twice, " + "x" * chance.randrange(60, 100)},
    }


if __name__ == "__main__":
    main()
