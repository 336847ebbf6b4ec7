"""What is wrong inside a spec's expressions, found without evaluating any: MIG203 and MIG4xx.

Shape and meaning of the spec around them were judged before.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from enum import Enum

from retable.schema.problem import Problem, Span
from retable.schema.spec import Expression as WrittenExpression
from retable.schema.spec import Spec, Winner
from retable.transforms.expression import ExpressionError, compile_expression
from retable.transforms.functions.custom import FunctionsError, declared_functions
from retable.transforms.functions.kinds import kind_of
from retable.transforms.functions.signature import Function
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.grammar import Node, bare_literals, calls_of

_OPERATORS = {
    "*": "multiply",
    "+": "add",
    "-": "subtract",
    "/": "divide",
    "%": "modulo",
}
_OPERAND = r"`[^`]*`|[A-Za-z_][\w.]*(?:\([^()]*\))?|[0-9]+(?:\.[0-9]+)?"
_SUM = re.compile(rf"\s*({_OPERAND})\s*[-+*/%]\s*({_OPERAND})\s*", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


class ExpressionRule(Enum):
    """One rule for expressions: its code, and what breaking it means."""

    JMESPATH_NO_ARITHMETIC = ("MIG203", "JMESPath has functions where others have operators")
    JMESPATH_SYNTAX = ("MIG401", "an expression does not follow JMESPath's grammar")
    UNKNOWN_FUNCTION = ("MIG402", "an expression calls a function that does not exist")
    INVALID_ARITY = ("MIG403", "a function is called with too few or too many arguments")
    BARE_LITERAL = ("MIG405", "a literal between backticks is no JSON, and taken for text")
    INVALID_LITERAL = ("MIG404", "a function is given a literal of a type it does not take")
    FUNCTIONS_FILE = ("MIG406", "the file with the spec's own functions cannot be used")

    @property
    def code(self) -> str:
        """Return the code, such as ``MIG401``."""
        return self.value[0]

    @property
    def words(self) -> str:
        """Return the name as findings show it, such as ``jmespath-syntax``."""
        return self.name.lower().replace("_", "-")

    @property
    def meaning(self) -> str:
        """Return what breaking the rule means, in one line."""
        return self.value[1]


def check_expressions(spec: Spec) -> tuple[Problem, ...]:
    """Return what is wrong in the expressions of ``spec``, in the order they are written.

    Its own functions are known by their declarations, once their file is read; it is not run.
    """
    functions, found = _functions(spec)
    checks = [_Check(spec, written, functions) for written in _written(spec)]
    found += [problem for check in checks for problem in check.problems()]
    return tuple(sorted(found, key=lambda problem: (problem.span, problem.code)))


def _functions(spec: Spec) -> tuple[Mapping[str, Function] | None, list[Problem]]:
    """Return what expressions may call; ``None`` where that is not known."""
    own = spec.transform.functions
    if own is None:
        return FUNCTIONS, []
    if own.text is None:
        return None, []
    try:
        return {**FUNCTIONS, **{one.name: one for one in declared_functions(own)}}, []
    except FunctionsError as error:
        rule = ExpressionRule.FUNCTIONS_FILE
        place = f", line {error.line}" if error.line else ""
        return None, [
            Problem(
                file=spec.origin.file,
                span=spec.origin.span(("transform", "functions")),
                code=rule.code,
                name=rule.words,
                message=f"{own.file}{place}: {error.message}",
            )
        ]


class _Check:
    """The check of one expression; it turns offsets in the expression into places in the file."""

    def __init__(
        self, spec: Spec, written: WrittenExpression, functions: Mapping[str, Function] | None
    ) -> None:
        self._functions = functions
        self._spec = spec
        self._written = written
        self._inner = _inner_column(spec.origin.text, written)

    def problems(self) -> Iterator[Problem]:
        try:
            expression = compile_expression(self._written.text)
        except ExpressionError as error:
            yield self._syntax(error)
            return
        for call in calls_of(expression.tree):
            yield from self._call(call)
        for token in bare_literals(self._written.text):
            yield self._problem(
                ExpressionRule.BARE_LITERAL,
                (token["start"], token["end"] - token["start"]),
                "what stands between backticks is no JSON",
                "write text as 'so'",
            )

    def _syntax(self, error: ExpressionError) -> Problem:
        text, offset = self._written.text, error.offset or 0
        sign = text[offset : offset + 1]
        if sign in _OPERATORS and text[:offset].strip():
            return self._problem(
                ExpressionRule.JMESPATH_NO_ARITHMETIC,
                (offset, 1),
                f"JMESPath has no `{sign}` operator",
                f"use {_call_instead(text, sign)}",
            )
        rule = ExpressionRule.JMESPATH_SYNTAX
        return self._problem(rule, (offset, 1), error.message, _syntax_hint(text, offset))

    def _call(self, call: Node) -> Iterator[Problem]:
        name = call["value"]
        place = (call["start"], len(name))
        function = (self._functions or FUNCTIONS).get(name)
        if function is None:
            if self._functions is not None:
                rule, message = ExpressionRule.UNKNOWN_FUNCTION, f"there is no function {name}()"
                yield self._problem(rule, place, message, _did_you_mean(name, self._functions))
        elif not function.takes(count := len(call["children"])):
            message = f"{name}() takes {function.arity}, not {count}"
            yield self._problem(
                ExpressionRule.INVALID_ARITY, place, message, f"write {function.usage}"
            )
        else:
            yield from self._literals(call, function, place)

    def _literals(
        self, call: Node, function: Function, place: tuple[int, int]
    ) -> Iterator[Problem]:
        for number, argument in enumerate(call["children"]):
            parameter = function.parameter(number)
            found = _kind_of_argument(argument)
            if found is not None and parameter.kinds and found not in parameter.kinds:
                wanted = " or ".join(parameter.types)
                message = f"{function.name}() takes {wanted} as {parameter.name}, not {found}"
                yield self._problem(ExpressionRule.INVALID_LITERAL, place, message, None)

    def _problem(
        self, rule: ExpressionRule, place: tuple[int, int], message: str, hint: str | None
    ) -> Problem:
        return Problem(
            file=self._spec.origin.file,
            span=self._span(*place),
            code=rule.code,
            name=rule.words,
            message=message,
            hint=hint,
            severity="warning" if rule is ExpressionRule.BARE_LITERAL else "error",
        )

    def _span(self, offset: int, length: int) -> Span:
        whole = self._written.span
        if self._inner is None:
            return whole
        column = self._inner + offset
        return Span(whole.line, column, whole.line, column + max(length, 1))


def _written(spec: Spec) -> Iterator[WrittenExpression]:
    transform = spec.transform
    if transform.where is not None:
        yield transform.where
    for template in transform.templates:
        yield from (each for each in (template.where, template.each) if each is not None)
        yield from (field.expression for field in template.fields)
    if isinstance(transform.collisions, Winner):
        yield transform.collisions.by


def _inner_column(text: str, written: WrittenExpression) -> int | None:
    """Return the column where the expression's first character stands in the file.

    ``None`` where the scalar is written so that offsets do not carry over: over several lines, or
    with escapes.
    """
    span = written.span
    lines = text.splitlines()
    if span.line != span.end_line or not 0 < span.line <= len(lines):
        return None
    scalar = lines[span.line - 1][span.column - 1 : span.end_column - 1]
    if scalar == written.text:
        return span.column
    quoted = scalar[:1] in {"'", '"'} and scalar[1:-1] == written.text
    return span.column + 1 if quoted else None


def _kind_of_argument(argument: Node) -> str | None:
    """Return the type an argument has on every item; ``None`` where that depends on the item."""
    if argument["type"] == "literal":
        return kind_of(argument["value"])
    return "expression" if argument["type"] == "expref" else None


def _call_instead(text: str, sign: str) -> str:
    """Return the call to write in place of an operator."""
    found = _SUM.fullmatch(text)
    left, right = (found[1], found[2]) if found else ("a", "b")
    return f"{_OPERATORS[sign]}({_quoted(left)}, {_quoted(right)})"


def _quoted(operand: str) -> str:
    return f"`{operand}`" if _NUMBER.fullmatch(operand) else operand


def _syntax_hint(text: str, offset: int) -> str | None:
    number = _NUMBER.match(text, offset)
    if number:
        return f"a number is written between backticks: `{number[0]}`"
    if text[offset : offset + 1] == "=":
        return "compare with =="
    return None


def _did_you_mean(name: str, functions: Mapping[str, Function]) -> str | None:
    near = difflib.get_close_matches(name, functions, n=1)
    return f"did you mean {functions[near[0]].usage}?" if near else None
