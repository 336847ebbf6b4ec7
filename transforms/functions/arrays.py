"""Functions on arrays and objects. Elements are passed through unchanged, whatever their type."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retable.transforms.functions.kinds import (
    Kind,
    Reference,
    kind_of,
    refuse_type,
    refuse_value,
)
from retable.transforms.functions.text import check_length
from retable.transforms.view import BinaryText, SetKind, SetView, is_null

_PAIR = 2


def length(subject: Any) -> int:
    """Return how many characters, elements or keys ``subject`` has."""
    return len(subject)


def contains(subject: Any, search: Any) -> bool:
    """Return whether the array contains the element, or the string the substring."""
    if isinstance(subject, str):
        return isinstance(search, str) and search in subject
    return search in subject


def reverse(subject: Any) -> Any:
    """Return the array, or the string, reversed."""
    return subject[::-1] if isinstance(subject, str) else list(reversed(subject))


def greatest(values: Sequence[Any]) -> Any:
    """Return the greatest number or string; null for an empty array."""
    return max(values) if values else None


def least(values: Sequence[Any]) -> Any:
    """Return the smallest number or string; null for an empty array."""
    return min(values) if values else None


def sort(values: Sequence[Any]) -> list[Any]:
    """Return the numbers or strings in ascending order."""
    return sorted(values)


def sort_by(values: Sequence[Any], by: Reference) -> list[Any]:
    """Return the elements in the order of ``by``; equal ones keep their order."""
    keys = _keys(values, by, "sort_by()")
    return [values[place] for place in sorted(range(len(keys)), key=keys.__getitem__)]


def max_by(values: Sequence[Any], by: Reference) -> Any:
    """Return the first element with the greatest ``by``; null for an empty array."""
    keys = _keys(values, by, "max_by()")
    return values[max(range(len(keys)), key=keys.__getitem__)] if keys else None


def min_by(values: Sequence[Any], by: Reference) -> Any:
    """Return the first element with the smallest ``by``; null for an empty array."""
    keys = _keys(values, by, "min_by()")
    return values[min(range(len(keys)), key=keys.__getitem__)] if keys else None


def map_(by: Reference, values: Sequence[Any]) -> list[Any]:
    """Return the result of ``by`` for each element, nulls included."""
    return [by(value) for value in values]


def group_by(values: Sequence[Any], by: Reference) -> dict[str, list[Any]]:
    """Return the elements grouped by the string ``by`` returns; those with null are left out."""
    groups: dict[str, list[Any]] = {}
    for value in values:
        key = by(value)
        if is_null(key):
            continue
        if not isinstance(key, str):
            refuse_type(
                f"group_by() needs its expression to return strings or null, not {kind_of(key)}"
            )
        groups.setdefault(str(key), []).append(value)
    return groups


def keys(subject: dict[str, Any]) -> list[str]:
    """Return the object's keys."""
    return list(subject)


def values(subject: dict[str, Any]) -> list[Any]:
    """Return the object's values."""
    return list(subject.values())


def items(subject: dict[str, Any]) -> list[list[Any]]:
    """Return the object as pairs of key and value."""
    return [[name, value] for name, value in subject.items()]


def from_items(pairs: Sequence[Any]) -> dict[str, Any]:
    """Return an object of the pairs of key and value; for duplicate keys the last wins."""
    made: dict[str, Any] = {}
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != _PAIR or not isinstance(pair[0], str):
            refuse_value("from_items() needs pairs of a string and a value")
        made[str(pair[0])] = pair[1]
    return made


def merge(*objects: dict[str, Any]) -> dict[str, Any]:
    """Return one object with the keys of all; for duplicate keys the last wins."""
    merged: dict[str, Any] = {}
    for one in objects:
        merged.update(one)
    return merged


def zip_(*arrays: Sequence[Any]) -> list[list[Any]]:
    """Return arrays of the first elements, the second, and so on, as far as the shortest goes."""
    return [list(row) for row in zip(*arrays, strict=False)]


def concat(*parts: Any) -> Any:
    """Return the strings, or the arrays, concatenated."""
    check_length(sum(map(len, parts)))
    if all(isinstance(part, str) for part in parts):
        return "".join(parts)
    if any(isinstance(part, str) for part in parts):
        refuse_type("concat() takes strings or arrays, not both")
    return [element for part in parts for element in part]


def not_null(*candidates: Any) -> Any:
    """Return the first that is not null."""
    return next((value for value in candidates if not is_null(value)), None)


def to_array(value: Any) -> Any:
    """Return an array unchanged, and anything else as the only element of one."""
    return value if isinstance(value, list) else [value]


def to_set(elements: Sequence[Any]) -> SetView | None:
    """Return the set of the elements, each once; null for none, as there is no empty set."""
    if isinstance(elements, SetView) or not elements:
        return elements if isinstance(elements, SetView) else None
    kind = _set_kind(elements)
    return SetView(kind, list(dict.fromkeys(elements)))


def _set_kind(elements: Iterable[Any]) -> SetKind:
    kinds: set[SetKind | None] = set()
    for element in elements:
        if isinstance(element, BinaryText):
            kinds.add("BS")
        else:
            kinds.add(_SET_KINDS.get(kind_of(element)))
    kind = kinds.pop() if len(kinds) == 1 else None
    if kind is None:
        refuse_type("to_set() needs elements that are all strings, all numbers or all binary")
    return kind


def _keys(elements: Sequence[Any], by: Callable[[Any], Any], function: str) -> list[Any]:
    """Return the result of ``by`` for each element: all numbers or all strings."""
    found = [by(element) for element in elements]
    kinds = {kind_of(key) for key in found}
    if kinds - {"number", "string"} or len(kinds) > 1:
        names = " and ".join(sorted(kinds))
        refuse_type(
            f"{function} needs its expression to return all numbers or all strings, not {names}"
        )
    return found


_SET_KINDS: dict[Kind, SetKind] = {"string": "SS", "number": "NS"}
