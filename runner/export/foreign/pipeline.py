"""Reads the lines of AWS Data Pipeline's and EMR's exports: DynamoDB's types under other names.

A line is a JSON object of ``{"name": {"s": "x"}}``, with type names that start in lowercase; older
files have no braces and separate pairs by 0x02, names from values by 0x03 (awslabs/emr-dynamodb-
connector, DynamoDBItemWritable). Every value has its type, so nothing is in doubt.
"""

from collections.abc import Mapping
from typing import Any

from retable.runner.export.foreign.records import BadRowError, json_object

PAIR_END, NAME_END = b"\x02", b"\x03"
TYPES: Mapping[str, str] = {
    "s": "S",
    "n": "N",
    "b": "B",
    "sS": "SS",
    "nS": "NS",
    "bS": "BS",
    "m": "M",
    "l": "L",
    "bOOL": "BOOL",
    "nULLValue": "NULL",
    "nULL": "NULL",
}
"""The type names in the files, which are the Java SDK's member names."""

Typed = dict[str, Any]


def pipeline_item(line: bytes) -> Typed:
    """Return a line as an attribute map.

    Raises:
        BadRowError: it has neither form.
    """
    pairs = json_object(line) if line.lstrip().startswith(b"{") else _older(line)
    return {name: _typed(value) for name, value in pairs.items()}


def _older(line: bytes) -> Typed:
    """Return the pairs of a line without braces."""
    found: Typed = {}
    for pair in line.split(PAIR_END):
        name, end, value = pair.partition(NAME_END)
        text = name.decode(errors="replace")
        if not end or "\ufffd" in text or text in found:
            message = "it has a pair without a name, or a name twice"
            raise BadRowError(message)
        found[text] = json_object(value)
    return found


def _typed(value: Any) -> Typed:
    """Return one value with DynamoDB's own type name."""
    if not isinstance(value, dict) or len(value) != 1:
        message = "it has a value without exactly one type"
        raise BadRowError(message)
    [(written, content)] = value.items()
    kind = TYPES.get(written)
    match kind:
        case "L" if isinstance(content, list):
            return {"L": [_typed(member) for member in content]}
        case "M" if isinstance(content, dict):
            return {"M": {name: _typed(member) for name, member in content.items()}}
        case "SS" | "NS" | "BS" if isinstance(content, list) and all(map(_is_text, content)):
            return {kind: content}
        case "S" | "N" | "B" if _is_text(content):
            return {kind: content}
        case "BOOL" | "NULL" if isinstance(content, bool):
            return {kind: content}
        case _:
            message = "it has a value of an unknown type"
            raise BadRowError(message)


def _is_text(content: Any) -> bool:
    return isinstance(content, str)
