"""A spec as readable lines, for golden files: every part that is not at its class's default."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from retable.schema.problem import Span
from retable.schema.spec import Expression, KeyAttribute, Origin, Spec


def summary(spec: Spec) -> str:
    """Return what ``spec`` says, one line a value; places are left out, warnings come last."""
    lines = [*_lines("", spec), *(f"! {warning}" for warning in spec.warnings)]
    return "".join(f"{line}\n" for line in lines)


def _lines(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, KeyAttribute):
        yield f"{name} = {value.name} {value.type}"
    elif isinstance(value, Expression):
        yield f"{name} = {value.text!r}"
    elif is_dataclass(value) and not isinstance(value, type):
        inner = list(_parts(name, value))
        yield from inner or [f"{name}: {type(value).__name__} by default"]
    elif isinstance(value, tuple) and any(map(is_dataclass, value)):
        for index, part in enumerate(value, 1):
            yield from _lines(f"{name}[{index}]", part)
    elif isinstance(value, Mapping) and not name.endswith("default"):
        for key, part in value.items():
            yield f"{name}.{key} = {part!r}"
    else:
        yield f"{name} = {value!r}"


def _parts(name: str, value: Any) -> Iterator[str]:
    for part in fields(value):
        inner = getattr(value, part.name)
        default = part.default if part.default_factory is MISSING else part.default_factory()
        if (
            part.name not in {"warnings", "path"}
            and not isinstance(inner, Span | Origin)
            and inner != default
        ):
            yield from _lines(f"{name}.{part.name}" if name else part.name, inner)
