"""An engine under test, and the tables that cases ask for by their shape."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.dynamodb_wire import Wire
from support.patience import PATIENCE_SECONDS

CASES = Path(__file__).resolve().parents[1] / "contract" / "cases"
SHAPES: dict[str, Any] = json.loads((CASES / "tables.json").read_text())


@dataclass
class Engine:
    """One DynamoDB. ``name`` is what cases call it."""

    name: str
    wire: Wire
    tables: dict[str, str] = field(default_factory=dict)

    def table(self, shape: str) -> str:
        """Return the table of that shape, made at its first use."""
        if shape not in self.tables:
            name = f"contract-{shape}-{uuid.uuid4().hex[:8]}"
            self.create(name, shape)
            self.tables[shape] = name
        return self.tables[shape]

    def create(self, name: str, shape: str) -> dict[str, Any]:
        """Create a table, wait for it and return its description."""
        wanted = {key: value for key, value in SHAPES[shape].items() if key != "engines"}
        body = {"TableName": name, "BillingMode": "PAY_PER_REQUEST", **wanted}
        self.wire.done("CreateTable", body)
        give_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < give_up:
            description = self.wire.done("DescribeTable", {"TableName": name})["Table"]
            if description["TableStatus"] == "ACTIVE":
                return dict(description)
            time.sleep(0.02)
        message = f"{name} did not become ACTIVE"
        raise AssertionError(message)

    def drop(self, name: str) -> None:
        """Delete a table and wait until it is gone."""
        self.wire.done("DeleteTable", {"TableName": name})
        while self.wire.ask("DescribeTable", {"TableName": name}).code is None:
            time.sleep(0.02)


def _text(given: tuple[str, int]) -> str:
    return given[0] * given[1]


def _wraps(count: int) -> dict[str, Any]:
    nested: dict[str, Any] = {"S": "leaf"}
    for _ in range(count):
        nested = {"L": [nested]}
    return nested


def _puts(count: int) -> list[dict[str, Any]]:
    return [{"PutRequest": {"Item": {"pk": {"S": f"p{n}"}}}} for n in range(count)]


ABBREVIATIONS: dict[str, Callable[[Any], Any]] = {"$text": _text, "$wraps": _wraps, "$puts": _puts}


def filled_in(value: Any, engine: Engine) -> Any:
    """Return a case's JSON with its abbreviations written out."""
    if isinstance(value, list):
        return [filled_in(one, engine) for one in value]
    if isinstance(value, str) and value.startswith("@"):
        return engine.table(value[1:])
    if not isinstance(value, dict):
        return value
    for name, write_out in ABBREVIATIONS.items():
        if name in value:
            return write_out(value[name])
    return {filled_in(name, engine): filled_in(one, engine) for name, one in value.items()}


def shapes_of(value: Any) -> set[str]:
    """Return the shapes of table that a case's JSON names."""
    if isinstance(value, str):
        return {value[1:]} if value.startswith("@") else set()
    if isinstance(value, dict):
        return shapes_of([*value, *value.values()])
    return set().union(*map(shapes_of, value)) if isinstance(value, list) else set()


def lacks(wanted: Any, found: Any, place: str = "answer") -> str | None:
    """Return what ``found`` lacks of ``wanted``; ``None`` in ``wanted`` asserts absence."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, one in wanted.items():
            if one is None:
                if name in found:
                    return f"{place}.{name} should be absent"
                continue
            if name not in found:
                return f"{place}.{name} is missing"
            problem = lacks(one, found[name], f"{place}.{name}")
            if problem is not None:
                return problem
        return None
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        problems = (lacks(a, b, place) for a, b in zip(wanted, found, strict=True))
        return next((problem for problem in problems if problem is not None), None)
    return None if wanted == found else f"{place} is {found!r:.200}, expected {wanted!r:.200}"
