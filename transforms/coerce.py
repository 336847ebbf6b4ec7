"""A field's ``type:``: converts its value to that DynamoDB type without loss, or refuses it.

| from | to | how |
| --- | --- | --- |
| S | N | a string that is a number DynamoDB can hold |
| N | S | its canonical string |
| S | B | a string that is base64 |
| B | S | its base64 |
| L | SS, NS, BS | all strings, all numbers, or all binary or base64; no duplicates, not empty |
| SS, NS, BS | L | in canonical order |

Everything else keeps its type or is refused.
"""

from collections.abc import Callable
from typing import Any

from retable.schema.reasons import Reason
from retable.schema.spec import AttributeType
from retable.transforms.canonical import canonical_value
from retable.transforms.fault import ItemFaultError
from retable.transforms.judge import Typed, canonical_base64
from retable.transforms.number import normalize_number


def coerce(typed: Typed, target: AttributeType) -> Typed:
    """Convert a canonical value to type ``target``; the result is canonical too.

    Raises:
        ItemFaultError: it cannot be converted without loss.
    """
    ((kind, value),) = typed.items()
    if kind == target:
        return typed
    rule = _RULES.get((kind, target))
    made = rule(value) if rule else None
    detail = f"a value of type {kind} cannot be converted to type {target}"
    if made is None:
        raise ItemFaultError(Reason.WRONG_FIELD_TYPE, detail)
    try:
        return canonical_value({target: made})
    except ItemFaultError as fault:
        # The rules for sets say what is wrong with a set: empty, or a duplicate member.
        reason = f"{detail}: {fault.detail}"
    raise ItemFaultError(Reason.WRONG_FIELD_TYPE, reason)


def _number(text: str) -> str | None:
    try:
        return normalize_number(text)
    except ValueError:
        return None


def _same(text: str) -> str:
    return text


def _strings(elements: list[Typed]) -> list[Any] | None:
    return [element.get("S") for element in elements]


def _numbers(elements: list[Typed]) -> list[Any] | None:
    return [element.get("N") for element in elements]


def _binaries(elements: list[Typed]) -> list[Any] | None:
    return [element.get("B", element.get("S")) for element in elements]


def _elements(kind: str) -> Callable[[Any], Any]:
    return lambda members: [{kind: member} for member in members]


_RULES: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("S", "N"): _number,
    ("N", "S"): _same,
    ("S", "B"): canonical_base64,
    ("B", "S"): _same,
    ("L", "SS"): _strings,
    ("L", "NS"): _numbers,
    ("L", "BS"): _binaries,
    ("SS", "L"): _elements("S"),
    ("NS", "L"): _elements("N"),
    ("BS", "L"): _elements("B"),
}
