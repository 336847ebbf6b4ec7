"""Reads JSON files of an untrusted folder: bounded, exact, and none outside of it."""

import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

from retable.runner.failure import Refused

MAX_BYTES = 64 * 1024 * 1024
"""Far above any manifest, tree or template; CloudFormation takes templates up to 1 MB."""
MAX_DEPTH = 100
"""The maximum nesting of values; policies, the deepest, have about fifteen levels."""


def inside(root: Path, folder: Path, name: str) -> Path:
    """Return the file ``name`` of ``folder``, which must be in ``root`` once links are resolved.

    Raises:
        Refused: it is elsewhere, or the name is not a file name.
    """
    try:
        path = (folder / name).resolve()
        home = root.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        message = f"the assembly {root} names a file {name!r} that cannot be read"
        raise Refused(message, "synthesize it again") from error
    if path != home and home not in path.parents:
        message = f"the assembly {root} names the file {name!r}, which is outside of it"
        raise Refused(message, "synthesize it again, with asset staging")
    return path


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object that a file holds, its numbers as exact decimals.

    Raises:
        Refused: it cannot be read, is too large, or is not a JSON object.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > MAX_BYTES:
            message = f"{path} has {size:,} bytes; a file of an assembly has at most {MAX_BYTES:,}"
            raise Refused(message)
        text = path.read_text("utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise Refused(message, "synthesize the app again") from error
    except UnicodeDecodeError as error:
        message = f"{path} is not UTF-8"
        raise Refused(message, "synthesize the app again") from error
    return parse_json(text, str(path))


def parse_json(text: str, what: str) -> dict[str, Any]:
    """Return the JSON object in ``text``; ``what`` names it in errors.

    Raises:
        Refused: it is not a JSON object.
    """
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        message = f"{what} is not JSON"
        raise Refused(message, "synthesize the app again") from error
    if not isinstance(found, dict):
        message = f"{what} is not a JSON object"
        raise Refused(message, "synthesize the app again")
    if _depth(found) > MAX_DEPTH:
        message = f"{what} has more than {MAX_DEPTH} levels"
        raise Refused(message, "synthesize the app again")
    return found


def mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is an object, else an empty one, whether absent or malformed."""
    return value if isinstance(value, dict) else {}


def _depth(value: Any) -> int:
    """Return the nesting depth of ``value``, counted up to the bound."""
    depth, level = 0, [value]
    while depth <= MAX_DEPTH:
        containers = [one for one in level if isinstance(one, dict | list)]
        if not containers:
            break
        depth += 1
        level = [
            inner
            for one in containers
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return depth


def _no_number(text: str) -> NoReturn:
    """Refuse NaN and Infinity, which are not JSON."""
    raise ValueError(text)
