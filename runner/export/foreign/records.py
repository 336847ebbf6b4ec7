"""Reads the rows of one file as plain values: Parquet, JSON lines, CSV. ``infer_types`` types them.

Text files may be gzipped. Numbers in JSON are read as decimals, never as floats.
"""

import csv
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from retable.runner.export.lines import split_lines
from retable.runner.export.stored_file import open_stored, plain_chunks, stored_chunks
from retable.runner.failure import CheckFailed

GZIP_MAGIC = b"\x1f\x8b"
BATCH_ROWS = 1_000
MAX_CELL_BYTES = 8_000_000
UNREADABLE = "it is damaged, or source.export.format is wrong"

Row = dict[str, Any]
RowReader = Callable[[Path, str], Iterator[Row]]


class BadRowError(ValueError):
    """A row that does not fit the file's format; the text says why, without a value."""


def parquet_rows(path: Path, name: str) -> Iterator[Row]:
    """Yield the rows of a Parquet file; times become strings, maps become dicts.

    Raises:
        CheckFailed: it is not a Parquet file, or its row count differs from its footer's.
    """
    count = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                rows = _without_times(batch, name).to_pylist(maps_as_pydicts="strict")
                count += len(rows)
                yield from rows
            stated = file.metadata.num_rows
    except (pa.ArrowException, OSError, KeyError) as error:
        message = f"{name}: cannot be read as Parquet"
        raise CheckFailed(message, UNREADABLE) from error
    if count != stated:
        message = f"{name}: it has {count:,} rows; its own footer says {stated:,}"
        raise CheckFailed(message, UNREADABLE)


def json_rows(path: Path, name: str) -> Iterator[Row]:
    """Yield the objects of a JSON lines file.

    Raises:
        BadRowError: a line is not a JSON object, or has a name twice.
    """
    for line in plain_lines(path, name):
        yield json_object(line)


def json_object(text: bytes) -> Row:
    """Return the one JSON object in ``text``; its numbers are decimals.

    Raises:
        BadRowError: it is not a JSON object, or has a name twice.
    """
    found = json_value(text)
    if not isinstance(found, dict):
        message = "it is not a JSON object"
        raise BadRowError(message)
    return found


def json_value(text: bytes | str) -> Any:
    """Return the JSON value in ``text``; its numbers are decimals.

    Raises:
        BadRowError: it is not JSON, or has a name twice.
    """
    try:
        return json.loads(
            text,
            parse_float=Decimal,
            parse_int=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_once,
        )
    except (ValueError, RecursionError) as error:
        message = str(error) if isinstance(error, BadRowError) else "it is not JSON"
        raise BadRowError(message) from error


def csv_rows(path: Path, name: str) -> Iterator[Row]:
    """Yield the records of a CSV file, whose first record names the columns; cells are strings.

    Raises:
        BadRowError: a record has more or fewer cells than the first, or a quote never ends.
    """
    csv.field_size_limit(MAX_CELL_BYTES)
    records = csv.reader(_texts(path, name), strict=True)
    try:
        header = next(records, None)
        if header is None or len(set(header)) != len(header) or "" in header:
            message = "the first record does not name each column once"
            raise BadRowError(message)
        for record in records:
            if len(record) != len(header):
                message = f"it has {len(record)} cells; the first record names {len(header)}"
                raise BadRowError(message)
            yield dict(zip(header, record, strict=True))
    except csv.Error as error:
        message = "it is not CSV"
        raise BadRowError(message) from error


def plain_lines(path: Path, name: str) -> Iterator[bytes]:
    """Yield the lines of a file, which may be gzipped."""
    with open_stored(path, name) as stored:
        packed = stored.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        stored.seek(0)
        chunks = stored_chunks(stored, name)
        yield from split_lines(plain_chunks(chunks, name) if packed else chunks, name)


def _texts(path: Path, name: str) -> Iterator[str]:
    """Yield the lines of a CSV file with their line breaks, since a quoted cell may hold one."""
    first = True
    for line in plain_lines(path, name):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            message = "it is not UTF-8"
            raise BadRowError(message) from error
        yield (text.removeprefix("\ufeff") if first else text) + "\n"
        first = False


def _without_times(batch: pa.RecordBatch, name: str) -> pa.RecordBatch:
    """Return ``batch`` with each column of times as strings.

    Arrow's own Python values for times need other packages and round them.
    """
    columns = []
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_temporal(field.type):
            columns.append(pc.cast(column, pa.string()))
        elif _holds_times(field.type):
            message = f"{name}: column {field.name} holds times inside another value"
            raise CheckFailed(message, "write them as strings")
        else:
            columns.append(column)
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _holds_times(kind: pa.DataType) -> bool:
    return any(
        pa.types.is_temporal(kind.field(number).type) or _holds_times(kind.field(number).type)
        for number in range(kind.num_fields)
    )


def time_columns(path: Path, name: str) -> tuple[str, ...]:
    """Return the columns of a Parquet file that hold times."""
    try:
        schema = parquet.read_schema(path)
    except (pa.ArrowException, OSError) as error:
        message = f"{name}: cannot be read as Parquet"
        raise CheckFailed(message, UNREADABLE) from error
    return tuple(field.name for field in schema if pa.types.is_temporal(field.type))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "it has a name twice"
        raise BadRowError(message)
    return found


def _no_number(_: str) -> NoReturn:
    message = "it holds NaN or Infinity"
    raise BadRowError(message)
