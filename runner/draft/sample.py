"""A sample of a table before a spec exists: some items, and the table's settings."""

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from retable.runner.aws.session import Aws
from retable.runner.export.lines import split_lines
from retable.runner.export.location import (
    LocalFolder,
    Location,
    S3Prefix,
    find_export,
    finished_exports,
    open_export,
    parse_location,
)
from retable.runner.export.manifest import DataFile, Export
from retable.runner.export.stored_file import open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed, Refused
from retable.runner.table.settings import TableSettings
from retable.schema.spec import KeyAttribute, KeySchema, TypedItem

MAX_FILES = 4
"""Data files of an export to read: part of the table's partitions is enough."""
# The table's name becomes a file name, so an untrusted export must not choose it freely.
_TABLE_ARN = re.compile(
    r"arn:aws[a-z-]*:dynamodb:([a-z0-9-]+):[0-9]{12}:table/([A-Za-z0-9_.-]{3,255})", re.ASCII
)
KEY_TYPES = ("S", "N", "B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some items of a table, and what is known of the table itself."""

    table: str
    region: str | None
    items: tuple[TypedItem, ...]
    total: int
    """Items in the whole table, approximately."""
    key: KeySchema
    key_is_known: bool
    """Whether the key comes from the table itself; an export does not contain it."""
    settings: TableSettings | None = None
    location: str | None = None


def sample_table(aws: Aws, table: str, count: int) -> Sample:
    """Return a sample of at most ``count`` items, read from the live table.

    Raises:
        Refused: there is no such table, or it is empty.
        Stopped: AWS does not answer.
    """
    settings = aws.tables.settings(table)
    if settings is None:
        message = f"the table {table} does not exist"
        raise Refused(message, "check the name, --region and the credentials' account")
    pages = aws.tables.scan_pages(table, segment=0, segments=1, consistent=False)
    items = tuple(islice(chain.from_iterable(pages), count))
    return Sample(
        table=settings.description.name,
        region=aws.region,
        items=_some(items, f"the table {table}"),
        total=max(settings.description.item_count, len(items)),
        key=settings.description.key,
        key_is_known=True,
        settings=settings,
    )


def sample_export(text: str, connect: Callable[[], Aws], count: int) -> Sample:
    """Return a sample of at most ``count`` items of the newest finished export at ``text``.

    Raises:
        Refused: there is no finished export, or it is empty, or no attribute can be its key.
        CheckFailed: it is damaged.
    """
    location = parse_location(text, Path())
    objects = connect().objects if isinstance(location, S3Prefix) else None
    newest = next(iter(finished_exports(location, objects)), None)
    if newest is None:
        message = f"there is no finished export at {text}"
        raise Refused(
            message, "pass the bucket and prefix, or the folder, that contains AWSDynamoDB/"
        )
    export = open_export(location, newest, objects)
    arn = _TABLE_ARN.fullmatch(export.table_arn)
    if arn is None:
        message = (
            f"export {newest} names the table {export.table_arn}, which is not the ARN of a table"
        )
        raise CheckFailed(message, "pass the folder of an export that DynamoDB made")
    items = tuple(islice(_items(export, find_export(location, newest), connect), count))
    return Sample(
        table=arn[2],
        region=arn[1],
        items=_some(items, f"export {newest}"),
        total=export.item_count,
        key=guess_key(items),
        key_is_known=False,
        location=text,
    )


def guess_key(items: tuple[TypedItem, ...]) -> KeySchema:
    """Return the attribute that every item has and no two share; else one that every item has.

    Raises:
        Refused: there is none.
    """
    everywhere = [
        (name, kind)
        for name, value in items[0].items()
        for kind in KEY_TYPES
        if all(item.get(name, {}).get(kind) for item in items) and kind in value
    ]
    if not everywhere:
        message = "no attribute is in every item, so the key cannot be inferred"
        raise Refused(message, "use --from-table, which reads the key from the table")

    def distinct(candidate: tuple[str, str]) -> int:
        name, kind = candidate
        return len({str(item[name][kind]) for item in items})

    name, kind = max(everywhere, key=distinct)
    return KeySchema(partition=KeyAttribute(name, kind))  # type: ignore[arg-type]  # of KEY_TYPES


def _some(items: tuple[TypedItem, ...], what: str) -> tuple[TypedItem, ...]:
    if not items:
        message = f"{what} has no items to draft a spec from"
        raise Refused(message, "choose another one")
    return items


def _items(export: Export, folder: Location, connect: Callable[[], Aws]) -> Iterator[TypedItem]:
    for file in [file for file in export.files if file.item_count][:MAX_FILES]:
        with tempfile.TemporaryDirectory(prefix="migrate-init-") as spool:
            path = _bring(file, folder, connect, Path(spool))
            with open_stored(path, file.key) as stored:
                plain = plain_chunks(stored_chunks(stored, file.key), file.key)
                for line in split_lines(plain, file.key):
                    yield _item(line, file)


def _bring(file: DataFile, folder: Location, connect: Callable[[], Aws], spool: Path) -> Path:
    if isinstance(folder, LocalFolder):
        return folder.path / "data" / file.name
    path = spool / "data"
    key = f"{folder.prefix}/data/{file.name}"
    connect().objects.download(folder.bucket, key, path, None)
    return path


def _item(line: bytes, file: DataFile) -> TypedItem:
    try:
        item: Any = orjson.loads(line)["Item"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        item = None
    if not isinstance(item, dict) or not all(isinstance(one, dict) for one in item.values()):
        message = f"data file {file.key} has a line that is not an item in DynamoDB JSON"
        raise CheckFailed(message, "migrate init reads native exports in DynamoDB JSON")
    return item
