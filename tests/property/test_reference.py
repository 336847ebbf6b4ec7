"""Our JMESPath is the library's: the same answers and the same errors."""

from fractions import Fraction
from typing import Any

import jmespath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jmespath import exceptions

from retable.transforms.canonical import canonical_values
from retable.transforms.expression import ExpressionError, compile_expression
from retable.transforms.reads import reads_of
from retable.transforms.view import view_item
from support.expressions import EXPRESSIONS, SPOILT, same
from support.items import ITEMS

SCALARS = st.one_of(st.integers(-9, 9), st.text(st.sampled_from("ab01é-"), max_size=3))
NAMES = st.sampled_from(["a", "b", "c", "é", "n", "l", "m"])
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, min_size=1, max_size=3)
    ),
    max_leaves=12,
)
KINDS: dict[type[Exception], str] = {
    exceptions.ArityError: "invalid-arity",
    exceptions.JMESPathTypeError: "invalid-type",
    exceptions.UnknownFunctionError: "unknown-function",
    exceptions.EmptyExpressionError: "syntax",
    exceptions.ParseError: "syntax",
}


def theirs(text: str, document: Any) -> Any:
    """Return the library's answer or the kind of its error; ``None, None`` where it crashes."""
    try:
        return "value", jmespath.search(text, document)
    except exceptions.JMESPathError as error:
        return "error", next(kind for known, kind in KINDS.items() if isinstance(error, known))
    except (TypeError, ValueError, AttributeError, IndexError):
        return None, None


def ours(text: str, document: Any) -> Any:
    try:
        return "value", compile_expression(text).search(document)
    except ExpressionError as error:
        return "error", error.kind


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@given(EXPRESSIONS, DOCUMENTS)
def test_answers_and_errors_are_those_of_the_unmodified_library(text: str, document: Any) -> None:
    expected = theirs(text, document)
    found = ours(text, document)
    assume(expected != (None, None))  # it raised something that is no JMESPath error
    assert same(found, expected)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@given(SPOILT, DOCUMENTS)
def test_a_spoilt_expression_is_never_read_more_freely_than_by_the_library(
    text: str, document: Any
) -> None:
    expected, found = theirs(text, document), ours(text, document)
    if found != ("error", "syntax"):  # where we are stricter, the library lets a comma be missing
        assume(expected != (None, None))
        assume("_Expression" not in repr(expected))  # & at the top gives no value at all
        assert same(found, expected)


@given(st.text(st.sampled_from("ab()[]{}.,*&|!?`'\"@:-1 =<>\\ué"), max_size=30))
def test_any_text_is_an_expression_or_a_syntax_error(text: str) -> None:
    error = syntax_error(text)
    if error is not None:
        assert error.kind == "syntax"
        assert error.offset is not None
        assert 0 <= error.offset <= len(text)


@given(st.lists(st.integers(-(10**40), 10**40), min_size=1, max_size=5))
def test_a_mean_is_the_exact_one_to_38_digits(numbers: list[int]) -> None:
    _, found = ours("avg(@)", numbers)
    exact = Fraction(sum(numbers), len(numbers))
    assert len(found.as_tuple().digits) <= 38
    assert abs(Fraction(found) - exact) <= abs(exact) * Fraction(1, 10**37)


@given(EXPRESSIONS, ITEMS)
def test_seeing_only_what_is_read_gives_what_seeing_all_gives(text: str, item: Any) -> None:
    expression = compile_expression(text)
    values = canonical_values(item)
    part = view_item(values, reads_of([expression.tree]))
    assert answer(expression, part) == answer(expression, view_item(values, None))


@given(EXPRESSIONS, ITEMS)
def test_a_null_that_is_there_gives_what_null_gives(text: str, item: Any) -> None:
    """Every NULL of a view stands for what plain JSON calls null."""
    expression = compile_expression(text)
    view = view_item(canonical_values(item), None)
    assert answer(expression, view) == answer(expression, plain(view))


def syntax_error(text: str) -> ExpressionError | None:
    try:
        compile_expression(text)
    except ExpressionError as error:
        return error
    return None


def answer(expression: Any, document: Any) -> Any:
    try:
        return "value", plain(expression.search(document))
    except ExpressionError as error:
        return "error", error.kind, error.message


def plain(value: Any) -> Any:
    """Return a view without the types it carries along."""
    if isinstance(value, list):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, str):
        return str(value)
    return None if value == None else value  # noqa: E711  # the null that is there equals it
