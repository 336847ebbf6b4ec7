"""A table's history: writes at their moments, and exports of any moment or window of it.

What an export says is worked out here from the writes alone, the way the service does it: a window
has one line for each item that is not at its end what it was at its beginning.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import orjson

from retable.runner.export.write_export import ExportWindow
from retable.runner.table.export_request import Format
from support.exports import TABLE_ARN, MadeExport, make_export

START = datetime(2026, 9, 21, 14, 0, tzinfo=UTC)
"""Second 0 of every history."""
Item = dict[str, Any]


@dataclass
class History:
    """Writes of items that are keyed by ``id``, by the second."""

    root: Path
    table_arn: str = TABLE_ARN
    writes: list[tuple[float, str, Item | None]] = field(default_factory=list)
    """Second, id, and the item or ``None`` for a delete; in the order of time."""
    made: int = 0

    def put(self, second: float, name: str, **attributes: Any) -> None:
        """Put an item."""
        self.writes.append((second, name, {"id": {"S": name}, **attributes}))

    def delete(self, second: float, name: str) -> None:
        """Delete an item."""
        self.writes.append((second, name, None))

    def table(self, second: float) -> dict[str, Item]:
        """Return the items there are just before ``second``, by id."""
        items: dict[str, Item] = {}
        for moment, name, item in self.writes:
            if moment < second:
                items.pop(name, None)
                if item is not None:
                    items[name] = item
        return items

    def full(self, second: float, form: Format = "DYNAMODB_JSON", **more: Any) -> MadeExport:
        """Export the whole table as of ``second``."""
        items = [orjson.dumps(item) for item in self.table(second).values()]
        return self._export(items, form, time=_at(second), **more)

    def window(
        self,
        start: float,
        end: float,
        form: Format = "DYNAMODB_JSON",
        view: Literal["NEW_IMAGE", "NEW_AND_OLD_IMAGES"] = "NEW_AND_OLD_IMAGES",
        **more: Any,
    ) -> MadeExport:
        """Export what changed from ``start`` on and before ``end``."""
        covered = ExportWindow(start=_at(start), end=_at(end), view=view)
        lines = [orjson.dumps(change) for change in self.changes(start, end, view)]
        return self._export(lines, form, window=covered, **more)

    def changes(self, start: float, end: float, view: str) -> Iterator[Item]:
        """Yield the lines of an incremental export."""
        before, after = self.table(start), self.table(end)
        touched = {name for moment, name, _ in self.writes if start <= moment < end}
        for name in sorted(touched):
            old, new = before.get(name), after.get(name)
            if old is None and new is None:
                continue
            change: Item = {
                "Metadata": {"WriteTimestampMicros": {"N": "1790001234567890"}},
                "Keys": {"id": {"S": name}},
            }
            if old is not None and view == "NEW_AND_OLD_IMAGES":
                change["OldImage"] = old
            if new is not None:
                change["NewImage"] = new
            yield change

    def _export(self, records: list[bytes], form: Format, **more: Any) -> MadeExport:
        """Write an export whose id says how many were made before it."""
        self.made += 1
        options = {
            "export_id": f"{1790000000000 + self.made:014d}-0000000a",
            "table_arn": self.table_arn,
            "output_format": form,
            "files": 3,
            **more,
        }
        return make_export(self.root, records, **options)


def _at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def busy_history(root: Path, table_arn: str) -> History:
    """Return a table of 200 items, most of which change between 10 and 40, ten seconds a window."""
    history = History(root, table_arn=table_arn)
    for number in range(200):
        history.put(1, f"o-{number}", v={"N": "0"})
    for number in range(0, 200, 2):
        history.put(12, f"o-{number}", v={"N": "1"})
    for number in range(0, 200, 5):
        history.delete(22, f"o-{number}")
    for number in range(0, 200, 10):
        history.put(32, f"o-{number}", v={"N": "9"})
    history.put(33, "new", v={"N": "1"})
    return history
