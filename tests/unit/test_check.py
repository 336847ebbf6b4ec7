"""Mistakes inside expressions are found before any item is read, and shown at their place."""

from dataclasses import replace

import pytest

from retable.schema.problem import Problem, Span
from retable.schema.spec import Field, Functions, Winner
from retable.transforms.check import check_expressions
from support.mapping_specs import expression, spec, transform


def check(
    scalar: str, text: str | None = None, *, functions: Functions | None = None
) -> list[Problem]:
    """Check the expression that a file holds as ``scalar``, quotes and all."""
    written = f"  total: {scalar}\n"
    end = Span(1, 10, 1, 10 + len(scalar))
    made = Field(name="total", expression=expression(scalar if text is None else text, end))
    return list(
        check_expressions(spec(transform(fields=(made,), functions=functions), text=written))
    )


def only(found: list[Problem]) -> Problem:
    (problem,) = found
    return problem


@pytest.mark.parametrize("text", ["a.b", "join('#', [a, b])", "a && b || `null`", "map(&x, y)"])
def test_an_expression_that_is_right_has_no_problem(text: str) -> None:
    assert check(text) == []


@pytest.mark.parametrize(
    ("text", "column", "hint"),
    [
        ("amount * `100`", 17, "use multiply(amount, `100`)"),
        ("amount * 100", 17, "use multiply(amount, `100`)"),
        ("a + b.c", 12, "use add(a, b.c)"),
        ("a - `1`", 12, "use subtract(a, `1`)"),
        ("a -1", 12, "use subtract(a, `1`)"),
        ("a/b", 11, "use divide(a, b)"),
        ("a % b", 12, "use modulo(a, b)"),
        ("length(a) * `2`", 20, "use multiply(length(a), `2`)"),
        ("(a * b) || c", 13, "use multiply(a, b)"),
    ],
)
def test_arithmetic_is_pointed_to_the_functions(text: str, column: int, hint: str) -> None:
    problem = only(check(text))
    assert (problem.code, problem.name) == ("MIG203", "jmespath-no-arithmetic")
    assert problem.span == Span(1, column, 1, column + 1)
    assert problem.hint == hint


def test_the_message_names_the_operator() -> None:
    assert str(only(check("amount * `100`"))) == (
        "t.migrate.yaml:1:17: error MIG203 jmespath-no-arithmetic: JMESPath has no `*` operator"
        " (use multiply(amount, `100`))"
    )


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("a..b", 12, "unexpected '.'"),
        ("a.", 12, "the expression ends unexpectedly"),
        ("a ~ b", 12, "unexpected character '~'"),
        ("a = b", 12, "unexpected character '='"),
        ("lower('a)", 16, "the ' is not closed"),
        ("multiply(a, 100)", 22, "unexpected 100"),
    ],
)
def test_a_syntax_error_is_shown_where_it_is(text: str, column: int, message: str) -> None:
    problem = only(check(text))
    assert (problem.code, problem.name) == ("MIG401", "jmespath-syntax")
    assert (problem.span.column, problem.message) == (column, message)


def test_hints_say_what_to_write_instead() -> None:
    assert only(check("multiply(a, 100)")).hint == "write a number between backticks: `100`"
    assert only(check("a = b")).hint == "compare with =="


def test_an_unknown_function_is_named_with_the_nearest_there_is() -> None:
    problem = only(check("joinn('#', a)"))
    assert (problem.code, problem.name) == ("MIG402", "unknown-function")
    assert problem.span == Span(1, 10, 1, 15)
    assert problem.hint == "did you mean join(glue, strings)?"


def test_every_unknown_function_is_found_at_any_depth() -> None:
    found = check("nope(lower(other(a))) || b[?third(@)]")
    assert [problem.span.column for problem in found] == [10, 21, 38]


def test_custom_functions_that_were_not_read_are_not_reported_as_unknown() -> None:
    assert check("mine(a)", functions=Functions(file="mine.py")) == []


MINE = """
@function("mine(text: string, times?: number) -> string")
def mine(text, times=1): ...
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine(a)", None),
        ("mine()", "mine() takes 1 to 2 arguments, not 0"),
        ("mine(`1`)", "mine() takes string as text, not number"),
        ("mne(a)", "there is no function mne()"),
    ],
)
def test_custom_functions_are_checked_by_their_declarations(text: str, message: str | None) -> None:
    found = check(text, functions=Functions(file="mine.py", text=MINE))
    assert [problem.message for problem in found] == ([] if message is None else [message])


def test_a_file_of_functions_that_cannot_be_used_is_a_finding_with_its_line() -> None:
    found = only(check("lower(a)", functions=Functions(file="mine.py", text="x = 1\ndef (:\n")))
    assert (found.code, found.message) == (
        "MIG406",
        "mine.py, line 2: not valid Python: invalid syntax",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lower()", "lower() takes 1 argument, not 0"),
        ("pad_left(a)", "pad_left() takes 2 to 3 arguments, not 1"),
        ("zip()", "zip() takes at least 1 argument, not 0"),
        ("join('#', a, b)", "join() takes 2 arguments, not 3"),
    ],
)
def test_a_wrong_number_of_arguments_is_found(text: str, message: str) -> None:
    problem = only(check(text))
    assert (problem.code, problem.name, problem.message) == ("MIG403", "invalid-arity", message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("multiply(a, '100')", "multiply() takes number as right, not string"),
        ("sort_by(a, 'k')", "sort_by() takes expression as by, not string"),
        ("lower(&a)", "lower() takes string as subject, not expression"),
    ],
)
def test_a_literal_of_the_wrong_type_is_found(text: str, message: str) -> None:
    problem = only(check(text))
    assert (problem.code, problem.name, problem.message) == ("MIG404", "invalid-literal", message)


def test_a_literal_that_is_no_json_is_a_warning() -> None:
    problem = only(check("a == `foo`"))
    assert (problem.code, problem.severity) == ("MIG405", "warning")
    assert problem.span == Span(1, 15, 1, 20)


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_simply_quoted_scalar_is_pointed_into(quote: str) -> None:
    problem = only(check(f"{quote}a * b{quote}", "a * b"))
    assert problem.span == Span(1, 13, 1, 14)


def test_a_scalar_with_escapes_or_of_several_lines_is_pointed_at_whole() -> None:
    scalar = "'a * ''b'''"
    assert only(check(scalar, "a * 'b'")).span == Span(1, 10, 1, 10 + len(scalar))
    block = Span(1, 10, 3, 5)
    made = Field(name="x", expression=expression("a * b", block))
    text = "  total: >-\n    a\n    * b\n"
    assert only(list(check_expressions(spec(transform(fields=(made,)), text=text)))).span == block


def test_where_and_the_winner_are_checked_too_and_all_come_in_order() -> None:
    where, winner = expression("a.", Span(2, 1, 2, 3)), expression("b.", Span(9, 1, 9, 3))
    change = replace(
        transform(collisions=Winner(take="latest", by=winner)),
        where=where,
        fields=(Field(name="f", expression=expression("c.", Span(5, 1, 5, 3))),),
    )
    assert [problem.span.line for problem in check_expressions(spec(change))] == [2, 5, 9]
