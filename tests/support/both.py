"""An export and a table as ledgers, with the way to look at single items on both sides."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from retable.runner.export.spool import IN_PLACE
from retable.runner.verify.compare import Difference, compare
from retable.runner.verify.drill import Drill
from retable.schema.spec import KeyAttribute, KeySchema, TypedItem
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Kept, Outcome
from support.ledgers import as_line, write_actual, write_data_file, write_ledger

KEY = KeySchema(partition=KeyAttribute("id", "S"))


class AsItIs:
    """A mapping that keeps every item as it is."""

    def apply(self, line: bytes) -> Outcome:
        return Kept((describe_item(orjson.loads(line)["Item"], KEY),))


class Table:
    """A table that holds these items."""

    def __init__(self, *items: TypedItem) -> None:
        self.items = {item["id"]["S"]: item for item in items}

    def get_item(self, table: str, key: TypedItem) -> TypedItem | None:
        assert table == "orders"
        return self.items.get(key["id"]["S"])


def item(name: str, **attributes: Any) -> TypedItem:
    return {"id": {"S": name}, **attributes}


class Both:
    """An export and a table, both of them in ledgers."""

    def __init__(self, folder: Path, exported: list[TypedItem], held: list[TypedItem]) -> None:
        self.folder = folder
        lines = [as_line(one) for one in exported]
        file = write_data_file(folder / "0.json.gz", lines)
        outcomes = [AsItIs().apply(line) for line in lines]
        self.expected = write_ledger(folder / "ledger/expected", outcomes, lines=lines)
        self.actual = write_actual(
            folder / "ledger/actual", [describe_item(one, KEY) for one in held]
        )
        # The ledger helper names its data files so.
        self.files = (replace(file, key="data/0.json.gz"),)
        self.drill = Drill(
            Table(*held), "orders", KEY, files=self.files, holder=IN_PLACE, mapping=AsItIs()
        )

    def differences(self) -> tuple[Difference, ...]:
        found = compare(
            self.expected,
            quarantined=None,
            actual=self.actual,
            diff=self.folder / "diff.jsonl",
        )
        return found.first
