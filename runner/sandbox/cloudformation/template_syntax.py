"""Reads a template: JSON, or YAML with CloudFormation's tags.

A date in YAML stays a string, as the service reads it. Only the syntax is checked.
"""

import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import orjson

from retable.runner.sandbox.cloudformation.wire import invalid

MAX_BYTES = 1024 * 1024
"""A template in S3; 51,200 bytes in a request. "CloudFormation quotas" in the user guide."""
MAX_DEPTH = 100
MAX_VALUES = 200_000
"""Values of a template, aliases expanded: more than a megabyte can have without them."""


def read_template(text: str) -> dict[str, Any]:
    """Return the template's values.

    Raises:
        StackError: it is not a mapping in JSON or YAML, or too large.
    """
    if len(text.encode()) > MAX_BYTES:
        message = "Template may not exceed 1000000 bytes in size."
        raise invalid(message)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = _plain(_read_yaml(text), 0, itertools.count())
    if not isinstance(value, dict):
        message = "Template format error: unsupported structure."
        raise invalid(message)
    return value


def _read_yaml(text: str) -> Any:
    """Return what cfn-lint reads; it supports ``!Ref`` and the other tags."""
    # Takes a second, and only templates in YAML need it.
    from cfnlint.decode import cfn_yaml  # noqa: PLC0415 -- see above

    try:
        return cfn_yaml.loads(text)
    except Exception as error:  # its own errors, and any that PyYAML raises
        message = f"Template format error: YAML not well-formed. ({type(error).__name__})"
        raise invalid(message) from error


def _plain(value: Any, depth: int, counted: Iterator[int]) -> Any:
    """Return cfn-lint's nodes as plain values, aliases expanded."""
    if depth > MAX_DEPTH or next(counted) > MAX_VALUES:
        message = "Template format error: too deeply nested, or too many values"
        raise invalid(message)
    match value:
        case dict():
            return {str(key): _plain(one, depth + 1, counted) for key, one in value.items()}
        case list():
            return [_plain(one, depth + 1, counted) for one in value]
        case date():
            return value.isoformat()
        case str():
            return str(value)
        case _:
            return value
