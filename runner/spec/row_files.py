"""Reads the JSON files with items that row tests name. They are under the spec's folder."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from retable.schema.problem import Problem, SpecError
from retable.schema.rules import Rule
from retable.schema.spec import ExpectItem, RowTest, Spec, TypedItem
from retable.schema.wording import shown
from retable.transforms.fault import ItemFaultError

MAX_FILE_BYTES = 4_000_000
"""An item has at most 400 KB; its JSON may be longer, but not ten times."""


def with_rows(spec: Spec) -> Spec:
    """Return ``spec`` with the items that its row tests keep in files.

    Raises:
        SpecError: with every file that cannot be used.
    """
    if all(row.files is None for row in spec.tests):
        return spec
    problems: list[Problem] = []
    tests = tuple(_filled(spec, row, problems) for row in spec.tests)
    if problems:
        raise SpecError((*spec.warnings, *problems), spec.origin.text)
    return replace(spec, tests=tests)


def _filled(spec: Spec, row: RowTest, problems: list[Problem]) -> RowTest:
    """Return ``row`` with the content of its files; errors in one go to ``problems``."""
    if row.files is None:
        return row
    if row.files.given is not None:
        given = _item(spec, row, row.files.given, problems)
        row = replace(row, given={**given, **row.given})
    if row.files is not None and row.files.expect is not None:
        row = replace(row, expect=ExpectItem(_item(spec, row, row.files.expect, problems)))
    return row


def _item(spec: Spec, row: RowTest, file: str, problems: list[Problem]) -> TypedItem:
    try:
        return _read(spec.origin.folder.resolve(), file)
    except OSError as error:
        fault = f"cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        fault = "is not UTF-8 text"
    except ItemFaultError as error:
        fault = f"is not a DynamoDB item: {error.detail}"
    except (json.JSONDecodeError, RecursionError):
        fault = "is not JSON"
    except (ValueError, TypeError) as error:
        fault = str(error)
    span = spec.origin.place(next(_places(spec, row, file)))
    problems.append(Rule.ROW_FILE.finding(spec.origin.file, span, f"{shown(file)} {fault}"))
    return {}


def _read(folder: Path, file: str) -> TypedItem:
    # Most specs have no items in files, and linting them should not wait for this import.
    from retable.transforms.canonical import canonical_values  # noqa: PLC0415

    path = (folder / file).resolve()
    if not path.is_relative_to(folder):
        message = "leads outside the spec's folder"
        raise ValueError(message)
    with path.open("rb") as stream:
        raw = stream.read(MAX_FILE_BYTES + 1)
    if len(raw) > MAX_FILE_BYTES:
        message = f"has more than {MAX_FILE_BYTES:,} bytes"
        raise ValueError(message)
    document = json.loads(raw.decode("utf-8-sig"))
    if not isinstance(document, dict):
        message = 'is not an item in DynamoDB JSON, such as {"id": {"S": "7"}}'
        raise TypeError(message)
    item: TypedItem = document["Item"] if list(document) == ["Item"] else document
    canonical_values(item)
    return item


def _places(spec: Spec, row: RowTest, file: str) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths at which ``row`` names ``file``: in the case itself, else in its test."""
    files = row.files
    assert files is not None  # noqa: S101 -- only rows with files get here
    for key, named in (("given_file", files.given), ("expect_file", files.expect)):
        for base in (row.path, row.path[:2]):
            if named == file and (*base, key) in spec.origin.spans:
                yield (*base, key)
    yield row.path
