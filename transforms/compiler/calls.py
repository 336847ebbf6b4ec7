"""When a function can be called without checking its arguments one by one: the usual classes.

A guard is a condition on the classes of plain values. If it does not hold, the call goes through
``Function.call``, which knows every class and reports what is wrong.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from retable.transforms.functions.kinds import Reference, kind_of
from retable.transforms.functions.signature import Function, Parameter

UNSET: Final = object()
"""The literal of an argument that is not a literal."""
_CLASSES = {"string": "str", "number": "Decimal", "array": "list", "object": "dict"}


class Argument(Protocol):
    """What is known of an argument at compile time."""

    @property
    def name(self) -> str:
        """Return its name in the code."""
        ...

    @property
    def literal(self) -> Any:
        """Return the value itself, or ``UNSET``."""
        ...

    @property
    def parts(self) -> tuple[str, ...] | None:
        """Return the names of an array's elements, if these are known."""
        ...


def guard_of(function: Function, arguments: Sequence[Argument]) -> str | None:
    """Return the condition under which ``function`` can be run directly.

    An empty string if it always can; ``None`` if classes alone cannot decide it.
    """
    if not function.takes(len(arguments)):
        return None
    conditions: list[str] = []
    for place, argument in enumerate(arguments):
        found = _conditions(function.parameter(place), argument)
        if found is None:
            return None
        conditions += found
    return " and ".join(conditions)


def _conditions(parameter: Parameter, argument: Argument) -> list[str] | None:
    if not parameter.kinds:
        return []
    if argument.literal is not UNSET:
        kind = "expression" if argument.literal is Reference else kind_of(argument.literal)
        return [] if kind in parameter.kinds and not parameter.elements else None
    if parameter.elements:
        return _of_elements(parameter, argument)
    classes = [_CLASSES[kind] for kind in sorted(parameter.kinds) if kind in _CLASSES]
    tests = [f"{argument.name}.__class__ is {one}" for one in classes]
    if len(tests) < len(parameter.kinds):
        return None
    return [tests[0]] if len(tests) == 1 else [f"({' or '.join(tests)})"]


def _of_elements(parameter: Parameter, argument: Argument) -> list[str] | None:
    """Return the conditions on the elements of an array literal."""
    if argument.parts is None or len(parameter.elements) != 1:
        return None
    (kind,) = parameter.elements
    usual = _CLASSES.get(kind)
    return None if usual is None else [f"{one}.__class__ is {usual}" for one in argument.parts]
