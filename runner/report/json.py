"""The report as ``report.json``: for machines, stable from version to version.

``schema/report.schema.json`` describes it. Keys come in a fixed order, ``format_version`` first.
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cattrs

from retable.runner.failure import Refused
from retable.runner.report.item_figures import DifferenceRow, Portrait
from retable.runner.report.model import Report, Scalar

FORMAT_VERSION = 1


def encode_report(report: Report) -> bytes:
    """Return ``report`` as indented JSON in UTF-8; equal reports give equal bytes."""
    document = _sorted(dataclasses.asdict(report))
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    # A file name that is not UTF-8 holds lone surrogates; JSON allows their escapes.
    return text.encode("utf-8", "backslashreplace") + b"\n"


def read_report(path: Path) -> Report:
    """Return the report in the file ``path``.

    Raises:
        Refused: the file cannot be read, or does not hold a report of this format version.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        message = f"the report {path} cannot be read: {error.strerror}"
        raise Refused(message) from error
    except ValueError as error:
        message = f"the report {path} is not JSON"
        raise Refused(message, "migrate verify makes a new one") from error
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        message = f"the report {path} has format version {version}, expected {FORMAT_VERSION}"
        raise Refused(message, "use the version of this tool that wrote it")
    try:
        return exact_converter().structure(document, Report)
    except (cattrs.BaseValidationError, TypeError, ValueError, KeyError) as error:
        message = f"the report {path} does not have the structure of a report"
        raise Refused(message, "migrate verify makes a new one") from error


def encode_part(part: Portrait | Sequence[DifferenceRow]) -> bytes:
    """Return a part of the report that a step stores, as JSON in UTF-8."""
    body: Any = (
        dataclasses.asdict(part)
        if isinstance(part, Portrait)
        else [dataclasses.asdict(row) for row in part]
    )
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def decode_portrait(text: bytes) -> Portrait:
    """Return the portrait that ``encode_part`` wrote."""
    return exact_converter().structure(json.loads(text), Portrait)


def decode_differences(text: bytes) -> tuple[DifferenceRow, ...]:
    """Return the differences that ``encode_part`` wrote."""
    return exact_converter().structure(json.loads(text), tuple[DifferenceRow, ...])


def exact_converter(
    *, forbid_extra_keys: bool = False, omit_if_default: bool = False
) -> cattrs.Converter:
    """Return a converter with these options that checks types.

    Cattrs by itself converts anything to a string.
    """
    converter = cattrs.Converter(
        forbid_extra_keys=forbid_extra_keys, omit_if_default=omit_if_default
    )
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly)
    converter.register_structure_hook(Scalar, _exactly)
    return converter


def _exactly(value: object, kind: type) -> object:
    if not isinstance(value, kind):
        message = f"expected {kind}, found {type(value).__name__}"
        raise TypeError(message)
    return value


def _sorted(document: dict[str, Any]) -> dict[str, Any]:
    """Return ``document`` with its maps sorted, except keys: the partition key comes first."""
    by_reason = dict(sorted(document["rejects_by_reason"].items()))
    steps = [{**step, "facts": dict(sorted(step["facts"].items()))} for step in document["steps"]]
    return {**document, "rejects_by_reason": by_reason, "steps": steps}
