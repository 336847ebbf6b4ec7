"""Drills down: finds the attributes in which an item differs, and reads single items of the table.

The expected item comes from its exported line, mapped again; the actual one from a consistent
GetItem, which shares nothing with the scan.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import orjson

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.item_lines import item_reader
from retable.runner.export.lines import read_lines
from retable.runner.export.spool import Holder, held
from retable.runner.report.item_figures import AttributeChange, DifferenceRow
from retable.runner.verify.compare import Difference
from retable.schema.spec import KeySchema, TypedItem
from retable.transforms.canonical import key_text
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Kept, Outcome, Result
from retable.transforms.project import LineMapping

SHOWN_CHARACTERS = 2_000
"""How many characters of a value a report holds; a value may have 400 KB."""

Item = Mapping[str, Any]


class Getter(Protocol):
    """Reads single items."""

    def get_item(self, table: str, key: TypedItem) -> TypedItem | None:
        """Return the item with that key by a consistent read; ``None`` if there is none."""
        ...


class Drill:
    """Reads single items of one table on both sides."""

    def __init__(  # noqa: PLR0913 -- both sides, and how each is read
        self,
        tables: Getter,
        table: str,
        key: KeySchema,
        *,
        files: Sequence[CheckedFile],
        holder: Holder,
        mapping: LineMapping,
    ) -> None:
        """Prepare to read; ``files`` and ``mapping`` give the expected items.

        ``holder`` makes the files available while they are read.
        """
        self._tables = tables
        self._table = table
        self._key = key
        self._files = files
        self._holder = holder
        self._mapping = mapping

    def rows(
        self,
        differences: Iterable[Difference],
        attributes: Collection[str] | None,
        *,
        show_values: bool,
    ) -> tuple[DifferenceRow, ...]:
        """Return ``differences`` with the attributes that differ, all or those in ``attributes``.

        Raises:
            CheckFailed: a data file is not the one that was checked.
            Stopped: the table or a data file cannot be read.
        """
        found = tuple(differences)
        places = [(one.source_file or "", one.source_line or 0) for one in found]
        mapped = {
            place
            for place, one in zip(places, found, strict=True)
            if one.kind == "different" and one.source_file is not None
        }
        outcomes = dict(self.exported(mapped))
        return tuple(
            DifferenceRow(
                kind=one.kind,
                key=one.key,
                place=None if one.source_file is None else f"{place[0]}:{place[1]}",
                changes=tuple(self._changes(one, outcomes.get(place), attributes, show_values))
                if one.kind == "different"
                else (),
            )
            for place, one in zip(places, found, strict=True)
        )

    def exported(
        self, places: Collection[tuple[str, int]]
    ) -> Iterator[tuple[tuple[str, int], Outcome]]:
        """Yield the outcome of the exported lines at ``places``: (data file, line)."""
        lines_of: dict[str, set[int]] = {}
        for name, line in places:
            lines_of.setdefault(name, set()).add(line)
        for file in self._files:
            yield from self._lines(file, lines_of.get(file.key, set()))

    def actual(self, key: TypedItem) -> Result | None:
        """Return the table's item with that key as it is now; ``None`` if there is none."""
        item = self._tables.get_item(self._table, key)
        return None if item is None else describe_item(item, self._key)

    def _lines(
        self, file: CheckedFile, selected: set[int]
    ) -> Iterator[tuple[tuple[str, int], Outcome]]:
        left = len(selected)
        if not left:
            return
        item_of = item_reader(file)
        with held(self._holder, file):
            for number, line in read_lines(file):
                if number in selected:
                    yield (file.key, number), self._mapping.apply(item_of(line))
                    left -= 1
                    if not left:
                        return

    def _changes(
        self,
        difference: Difference,
        outcome: Outcome | None,
        attributes: Collection[str] | None,
        show_values: bool,  # noqa: FBT001 -- passed on from where it has a name
    ) -> Iterator[AttributeChange]:
        """Yield the attributes in which the item differs now; nothing if it no longer differs."""
        expected = _result_of(outcome, key_text(difference.key))
        actual = self.actual(difference.key)
        if expected is None or actual is None:
            return
        must, found = orjson.loads(expected.item_json), orjson.loads(actual.item_json)
        for name in sorted({*must, *found}):
            if must.get(name) != found.get(name) and (attributes is None or name in attributes):
                yield AttributeChange(
                    name=name,
                    expected_type=_type(must, name),
                    actual_type=_type(found, name),
                    expected=_shown(must.get(name)) if show_values else None,
                    actual=_shown(found.get(name)) if show_values else None,
                )


def _result_of(outcome: Outcome | None, key: str) -> Result | None:
    """Return the result with ``key``, the last one if there are several."""
    results = outcome.results if isinstance(outcome, Kept) else ()
    return next((result for result in reversed(results) if result.key == key), None)


def _type(item: Item, name: str) -> str | None:
    return next(iter(item[name])) if name in item else None


def _shown(typed: Any) -> Any:
    """Return a value for a report: a long one is cut, and marked as cut."""
    if typed is None:
        return None
    text = orjson.dumps(typed).decode()
    if len(text) <= SHOWN_CHARACTERS:
        return typed
    ((kind, value),) = typed.items()
    whole = value if isinstance(value, str) else text
    return {kind: f"{whole[:SHOWN_CHARACTERS]}… (cut; {len(whole):,} characters)"}
