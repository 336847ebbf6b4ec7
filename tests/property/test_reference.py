"""Compiled expressions give what the interpreters give: the library's, and ours over exact numbers.

The library is asked about plain JSON, unmodified; ``reference`` about decimals and about DynamoDB's
types, which the library does not know.
"""

import json
from decimal import Decimal, DecimalException
from fractions import Fraction
from typing import Any

import jmespath
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from jmespath import exceptions

from retable.schema.reasons import Reason
from retable.transforms.canonical import canonical_value, canonical_values
from retable.transforms.expression import ExpressionError, compile_expression
from retable.transforms.fault import ItemFaultError
from retable.transforms.item_outcome import Kept
from retable.transforms.view import typed_value, view_value
from support.expressions import EXPRESSIONS, SPOILT, same
from support.items import ITEMS
from support.mapping_specs import field, line, mapping
from support.reference import ExactInterpreter

REFERENCE = ExactInterpreter()
NUMBERS = st.one_of(st.integers(-9, 9), st.sampled_from([0.5, -1.25, 1e16]))
SCALARS = st.one_of(NUMBERS, st.text(st.sampled_from("ab01é-"), max_size=3))
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
@settings(max_examples=600)
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
    _, found = ours("avg(@)", [Decimal(number) for number in numbers])
    exact = Fraction(sum(numbers), len(numbers))
    assert len(found.as_tuple().digits) <= 38
    assert abs(Fraction(found) - exact) <= abs(exact) * Fraction(1, 10**37)


@settings(max_examples=600)
@given(EXPRESSIONS, DOCUMENTS)
def test_over_decimals_answers_and_errors_are_those_of_the_reference(
    text: str, document: Any
) -> None:
    exact = [decimals(document), Decimal(1)]
    text = f"[0] | {text}"
    assert ours_in_words(text, exact) == reference(text, exact)


@settings(max_examples=1000)
@given(EXPRESSIONS, ITEMS)
@example("b || c", {"b": {"NULL": True}, "c": {"B": "AAA="}, "id": {"S": "1"}})
@example("[l, l[]]", {"l": {"L": [{"SS": ["b", "a"]}, {"L": []}]}, "id": {"S": "1"}})
@example("c == 'AA==' && m", {"c": {"B": "AA=="}, "m": {"M": {}}, "id": {"S": "1"}})
@example("@.m.*", {"m": {"M": {"b": {"N": "1.0"}, "a": {"SS": ["x"]}}}, "id": {"S": "1"}})
def test_over_dynamodb_json_a_field_has_what_the_reference_gives(text: str, item: Any) -> None:
    expected = reference(text, view_value({"M": canonical_values(item)}))
    outcome = mapping(field("made", text), copy=("id",)).apply(line(item))
    if expected[0] == "error":
        assert not isinstance(outcome, Kept)
        assert outcome == (Reason.EXPRESSION_ERROR, f"field 'made': {expected[2]}")
        return
    typed, fault = typed_of(expected[1])
    if fault is not None:
        assert outcome == (fault.reason, fault.inside("made").detail)
        return
    assert isinstance(outcome, Kept)
    assert json.loads(outcome.results[0].item_json).get("made") == typed


@given(EXPRESSIONS, ITEMS)
def test_a_null_that_is_there_gives_what_null_gives(text: str, item: Any) -> None:
    """Every NULL of a view stands for what plain JSON calls null."""
    view = [view_value({"M": canonical_values(item)}), Decimal(1)]
    text = f"[0] | {text}"
    assert plain(ours_in_words(text, view)) == plain(ours_in_words(text, plain(view)))


def typed_of(value: Any) -> tuple[Any, ItemFaultError | None]:
    """Return the typed form of a plain value, or why it has none."""
    try:
        return (None if value is None else canonical_value(typed_value(value))), None
    except ItemFaultError as fault:
        return None, fault


def reference(text: str, document: Any) -> Any:
    """Return the reference's answer, or its error in words."""
    try:
        return "value", REFERENCE.visit(compile_expression(text).tree, document)
    except ExpressionError as error:
        return "error", error.kind, error.message
    except DecimalException:
        return "error", "invalid-value", "a number grew beyond what can be computed exactly"


def ours_in_words(text: str, document: Any) -> Any:
    try:
        return "value", compile_expression(text).search(document)
    except ExpressionError as error:
        return "error", error.kind, error.message


def decimals(value: Any) -> Any:
    """Return ``value`` with its numbers as decimals."""
    if isinstance(value, list):
        return [decimals(element) for element in value]
    if isinstance(value, dict):
        return {name: decimals(inner) for name, inner in value.items()}
    return Decimal(repr(value)) if isinstance(value, int | float) else value


def syntax_error(text: str) -> ExpressionError | None:
    try:
        compile_expression(text)
    except ExpressionError as error:
        return error
    return None


def plain(value: Any) -> Any:
    """Return a view without the types it carries along."""
    if isinstance(value, list | tuple):
        return [plain(element) for element in value]
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, str):
        return str(value)
    return None if value == None else value  # noqa: E711  # the null that is there equals it
