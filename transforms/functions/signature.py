"""A function's signature: its parameters, parsed from one line, and the check of arguments."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from retable.transforms.functions.kinds import (
    KINDS,
    ErrorKind,
    ExpressionError,
    kind_of,
    refuse_type,
)

_PARAMETER = re.compile(r"(?P<rest>\.\.\.)?(?P<name>[a-z]+)(?P<optional>\?)?: (?P<types>[^,]+)")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. ``types`` as JMESPath names them; ``number[]`` is an array of numbers only."""

    name: str
    types: tuple[str, ...]
    optional: bool = False
    rest: bool = False
    """It takes every argument from here on."""
    kinds: frozenset[str] = field(default=frozenset(), compare=False)
    """What the argument itself may be; empty for anything."""
    elements: frozenset[str] = field(default=frozenset(), compare=False)
    """What the elements of an array may be, all of them alike; empty for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """One function that expressions can call."""

    name: str
    parameters: tuple[Parameter, ...]
    returns: str
    run: Callable[..., Any]
    summary: str
    standard: bool
    """It is in JMESPath's own specification."""
    least: int
    """How many arguments it takes at least."""
    most: int | None
    """How many it takes at most; ``None`` is any number."""

    @property
    def signature(self) -> str:
        """Return the line that declares it: ``abs(value: number) -> number``."""
        return f"{self.name}({', '.join(map(_declared, self.parameters))}) -> {self.returns}"

    @property
    def usage(self) -> str:
        """Return the call as documentation writes it: ``pad_left(subject, width, [pad])``."""
        names = ", ".join(_shown(parameter) for parameter in self.parameters)
        return f"{self.name}({names})"

    @property
    def arity(self) -> str:
        """Return how many arguments it takes, in words."""
        if self.most is None:
            return f"at least {_arguments(self.least)}"
        if self.least == self.most:
            return _arguments(self.least)
        return f"{self.least} to {_arguments(self.most)}"

    def call(self, arguments: Sequence[Any]) -> Any:
        """Return the function's result for ``arguments``.

        Raises:
            ExpressionError: their number, a type or a value does not fit.
        """
        if not self.takes(len(arguments)):
            kind: ErrorKind = "invalid-arity"
            raise ExpressionError(kind, f"{self.name}() takes {self.arity}, not {len(arguments)}")
        for parameter, argument in zip(self.parameters, arguments, strict=False):
            kinds = parameter.kinds
            if kinds and (parameter.elements or KINDS.get(type(argument)) not in kinds):
                self._check(parameter, argument)
        # The further arguments of a rest parameter.
        for argument in arguments[len(self.parameters) :]:
            if self.parameters[-1].kinds:
                self._check(self.parameters[-1], argument)
        return self.run(*arguments)

    def takes(self, count: int) -> bool:
        """Return whether it can be called with ``count`` arguments."""
        return self.least <= count and (self.most is None or count <= self.most)

    def parameter(self, place: int) -> Parameter:
        """Return the parameter that the argument at ``place``, from 0, is for."""
        return self.parameters[min(place, len(self.parameters) - 1)]

    def _check(self, parameter: Parameter, argument: Any) -> None:
        kind = kind_of(argument)
        if kind not in parameter.kinds:
            refuse_type(self._wrong(parameter, kind))
        if kind != "array" or not parameter.elements or not argument:
            return
        kinds = {kind_of(element) for element in argument}
        if len(kinds) > 1 or not kinds <= parameter.elements:
            refuse_type(self._wrong(parameter, "an array of " + " and ".join(sorted(kinds))))

    def _wrong(self, parameter: Parameter, found: str) -> str:
        return (
            f"{self.name}() takes {' or '.join(parameter.types)} as {parameter.name}, not {found}"
        )


def define(
    signature: str, run: Callable[..., Any], summary: str, *, standard: bool = False
) -> Function:
    """Return the function whose signature reads ``name(first: type, second?: type) -> type``."""
    name, _, rest = signature.partition("(")
    parameters, _, returns = rest.rpartition(") -> ")
    found = tuple(_parameter(text) for text in parameters.split(", ") if text)
    return Function(
        name=name,
        parameters=found,
        returns=returns,
        run=run,
        summary=summary,
        standard=standard,
        least=sum(not parameter.optional for parameter in found),
        most=None if found[-1].rest else len(found),
    )


def _parameter(text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        message = f"{text!r} is no parameter"
        raise ValueError(message)
    types = tuple(found["types"].split(" | "))
    return Parameter(
        name=found["name"],
        types=types,
        optional=found["optional"] is not None,
        rest=found["rest"] is not None,
        kinds=frozenset() if types == ("any",) else frozenset(map(_kind, types)),
        elements=frozenset(
            element for kind in types if (element := kind.removesuffix("[]")) not in {kind, "any"}
        ),
    )


def _declared(parameter: Parameter) -> str:
    before, after = "..." if parameter.rest else "", "?" if parameter.optional else ""
    return f"{before}{parameter.name}{after}: {' | '.join(parameter.types)}"


def _kind(name: str) -> str:
    return "array" if name.endswith("[]") else name


def _shown(parameter: Parameter) -> str:
    if parameter.rest:
        return f"{parameter.name}, ..."
    return f"[{parameter.name}]" if parameter.optional else parameter.name


def _arguments(count: int) -> str:
    return f"{count} argument" if count == 1 else f"{count} arguments"
