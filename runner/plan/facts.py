"""What a journal holds as JSON: the evidence of steps, and what they note on the way.

Plans are in ``encoding``; the journal's own lines are ``runs.journal``'s.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from cattrs import Converter

from retable.runner.plan.converters import with_links_and_times
from retable.runner.report.json import exact_converter

T = TypeVar("T")


def to_json(value: Any) -> dict[str, Any]:
    """Return a frozen dataclass that a journal holds, such as a step's evidence, as plain JSON."""
    found: dict[str, Any] = _evidence_converter().unstructure(value)
    return found


def from_json(data: Mapping[str, Any], kind: type[T]) -> T:
    """Return the ``kind`` that ``to_json`` wrote as ``data``.

    Raises:
        Exception: ``data`` is not a ``kind``.
    """
    return _evidence_converter().structure(dict(data), kind)


@cache
def _evidence_converter() -> Converter:
    """Return the converter for what a journal holds; fields with their default are left out."""
    return with_links_and_times(exact_converter(forbid_extra_keys=True, omit_if_default=True))
