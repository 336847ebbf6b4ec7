"""Checks a spec's expressions without evaluating any: MIG203 and MIG4xx.

The shape and meaning of the spec around them were checked before.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from retable.schema.findings import first_of
from retable.schema.problem import Edit, Problem
from retable.schema.rules import Rule
from retable.schema.spec import Expression as WrittenExpression
from retable.schema.spec import Spec, Winner
from retable.transforms.functions.custom import FunctionsError, declared_functions
from retable.transforms.functions.kinds import ExpressionError, kind_of
from retable.transforms.functions.signature import Function
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.grammar import Node, Token, bare_literals, calls_of
from retable.transforms.key_results import check_key_results
from retable.transforms.parse_expression import parse_expression
from retable.transforms.stretches import Stretches

_OPERATORS = {
    "*": "multiply",
    "+": "add",
    "-": "subtract",
    "/": "divide",
    "%": "modulo",
}
_OPERAND = r"`[^`]*`|[A-Za-z_][\w.]*(?:\([^()]*\))?|[0-9]+(?:\.[0-9]+)?"
_SUM = re.compile(rf"\s*({_OPERAND})\s*[-+*/%]\s*({_OPERAND})\s*", re.ASCII)
_PLAIN_TEXT = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


def check_expressions(spec: Spec) -> tuple[Problem, ...]:
    """Return what is wrong in the expressions of ``spec``, in the order of the file.

    Its own functions are known from their declarations, once their file is read; it is not run.
    """
    functions, found = _functions(spec)
    checks = [_Check(spec, written, functions) for written in _written(spec)]
    found += first_of(problem for check in checks for problem in check.problems())
    if not found:
        found += check_key_results(spec)
    return tuple(sorted(found, key=lambda problem: (problem.span, problem.code)))


def _functions(spec: Spec) -> tuple[Mapping[str, Function] | None, list[Problem]]:
    """Return the functions that expressions may call; ``None`` if that is not known."""
    own = spec.transform.functions
    if own is None:
        return FUNCTIONS, []
    if own.text is None:
        return None, []
    try:
        return {**FUNCTIONS, **{one.name: one for one in declared_functions(own)}}, []
    except FunctionsError as error:
        place = f", line {error.line}" if error.line else ""
        span = spec.origin.span(("transform", "functions"))
        message = f"{own.file}{place}: {error.message}"
        return None, [Rule.FUNCTIONS_FILE.finding(spec.origin.file, span, message)]


class _Check:
    """The check of one expression; it maps offsets in the expression to positions in the file."""

    def __init__(
        self, spec: Spec, written: WrittenExpression, functions: Mapping[str, Function] | None
    ) -> None:
        self._functions = functions
        self._spec = spec
        self._written = written
        self._places = Stretches(spec.origin.text, written)

    def problems(self) -> Iterator[Problem]:
        try:
            tree = parse_expression(self._written.text)
        except ExpressionError as error:
            yield self._syntax(error)
            return
        for call in calls_of(tree):
            yield from self._call(call)
        for token in bare_literals(self._written.text):
            yield self._bare(token)

    def _bare(self, token: Token) -> Problem:
        offsets = (token["start"], token["end"] - token["start"])
        message, hint = "the literal between backticks is not JSON", "write a string as 'text'"
        found = self._problem(Rule.BARE_LITERAL, offsets, message, hint)
        # Inside single quotes, YAML requires these doubled.
        plain = _PLAIN_TEXT.fullmatch(token["value"]) and not self._places.in_single_quotes
        fix = (Edit(found.span, f"'{token['value']}'"),) if plain and self._places.known else ()
        return replace(found, fix=fix)

    def _syntax(self, error: ExpressionError) -> Problem:
        text, offset = self._written.text, error.offset or 0
        sign = text[offset : offset + 1]
        if sign in _OPERATORS and text[:offset].strip():
            return self._arithmetic(text, sign, offset)
        rule = Rule.JMESPATH_SYNTAX
        return self._problem(rule, (offset, 1), error.message, _syntax_hint(text, offset))

    def _arithmetic(self, text: str, sign: str, offset: int) -> Problem:
        call = _call_instead(text, sign)
        message, label = f"JMESPath has no `{sign}` operator", "not an operator here"
        rule = Rule.JMESPATH_NO_ARITHMETIC
        found = self._problem(rule, (offset, 1), message, f"use {call}", label)
        whole = _SUM.fullmatch(text) and self._places.known and '"' not in call
        return replace(found, fix=(Edit(self._written.span, f'"{call}"'),) if whole else ())

    def _call(self, call: Node) -> Iterator[Problem]:
        name = call["value"]
        place = (call["start"], len(name))
        function = (self._functions or FUNCTIONS).get(name)
        if function is None:
            if self._functions is not None:
                rule, message = Rule.UNKNOWN_FUNCTION, f"there is no function {name}()"
                yield self._problem(rule, place, message, _did_you_mean(name, self._functions))
        elif not function.takes(count := len(call["children"])):
            message = f"{name}() takes {function.arity}, not {count}"
            yield self._problem(Rule.INVALID_ARITY, place, message, f"write {function.usage}")
        else:
            yield from self._literals(call, function, place)

    def _literals(
        self, call: Node, function: Function, place: tuple[int, int]
    ) -> Iterator[Problem]:
        for number, argument in enumerate(call["children"]):
            parameter = function.parameter(number)
            found = _kind_of_argument(argument)
            if found is not None and parameter.kinds and found not in parameter.kinds:
                expected = " or ".join(parameter.types)
                message = f"{function.name}() takes {expected} as {parameter.name}, not {found}"
                yield self._problem(Rule.INVALID_LITERAL, place, message, None)

    def _problem(
        self,
        rule: Rule,
        place: tuple[int, int],
        message: str,
        hint: str | None,
        label: str | None = None,
    ) -> Problem:
        return rule.finding(
            self._spec.origin.file, self._places.span(*place), message, hint=hint, label=label
        )


def _written(spec: Spec) -> Iterator[WrittenExpression]:
    transform = spec.transform
    if transform.where is not None:
        yield transform.where
    for template in transform.templates:
        yield from (each for each in (template.where, template.each) if each is not None)
        yield from (field.expression for field in template.fields)
    if isinstance(transform.collisions, Winner):
        yield transform.collisions.by


def _kind_of_argument(argument: Node) -> str | None:
    """Return the type an argument has for every item; ``None`` if it depends on the item."""
    if argument["type"] == "literal":
        return kind_of(argument["value"])
    return "expression" if argument["type"] == "expref" else None


def _call_instead(text: str, sign: str) -> str:
    """Return the call to write instead of an operator."""
    found = _SUM.fullmatch(text)
    left, right = (found[1], found[2]) if found else ("a", "b")
    return f"{_OPERATORS[sign]}({_quoted(left)}, {_quoted(right)})"


def _quoted(operand: str) -> str:
    return f"`{operand}`" if _NUMBER.fullmatch(operand) else operand


def _syntax_hint(text: str, offset: int) -> str | None:
    number = _NUMBER.match(text, offset)
    if number:
        return f"write a number between backticks: `{number[0]}`"
    if text[offset : offset + 1] == "=":
        return "compare with =="
    return None


def _did_you_mean(name: str, functions: Mapping[str, Function]) -> str | None:
    near = difflib.get_close_matches(name, functions, n=1)
    return f"did you mean {functions[near[0]].usage}?" if near else None
