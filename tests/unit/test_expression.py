"""Expressions: what each gives or how it fails, written down in ``cases/expressions``."""

import json
import pickle
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retable.transforms import compile_expression
from retable.transforms.expression import ExpressionError
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.parse_expression import MAX_LEVELS
from support.expressions import same

CASES = Path(__file__).parent.parent / "cases" / "expressions"
FLOAT_GIVEN = 1.9


def cases() -> list[Any]:
    found = []
    for path in sorted(CASES.glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal):
            for case in group["cases"]:
                name = f"{path.stem}: {case['expression']}"
                found.append(pytest.param(group["given"], case, id=name))
    return found


@pytest.mark.parametrize(("given", "case"), cases())
def test_an_expression_gives_what_is_written(given: Any, case: Any) -> None:
    if "error" in case:
        with pytest.raises(ExpressionError) as error:
            compile_expression(case["expression"]).search(given)
        assert error.value.kind == case["error"]
    else:
        assert same(compile_expression(case["expression"]).search(given), case["result"])


def test_the_cases_use_every_function() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in CASES.glob("*.json"))
    assert [name for name in FUNCTIONS if f"{name}(" not in text] == []


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("amount * `100`", 7),
        ("a.b.c.", 6),
        ("join('-' [a])", 10),
        ("a = b", 2),
        ("a && 'b", 5),
        ('"abs"(a)', 0),
        ("a || \ud800", 5),
        ("abs(a,)", 6),
    ],
)
def test_a_syntax_error_knows_its_place(text: str, offset: int) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert (error.value.kind, error.value.offset) == ("syntax", offset)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "a" + ")" * 5000,
        "!" * 5000 + "a",
        "a" + ".b" * 50 + "[0]" + "||a" * 500,
        "[" * 900,
    ],
)
def test_nesting_without_end_is_a_syntax_error(text: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression(text)
    assert error.value.kind == "syntax"


def test_a_long_path_is_not_deep() -> None:
    assert compile_expression("a" + ".b" * 500).search({}) is None


def test_nesting_up_to_the_limit_is_evaluated() -> None:
    text = "to_array(" * (MAX_LEVELS - 1) + "a" + ")" * (MAX_LEVELS - 1)
    assert compile_expression(text).search({"a": 1}) == [1]


def test_an_index_without_end_is_a_syntax_error() -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression("a[" + "9" * 5000 + "]")
    assert error.value.kind == "syntax"


def test_an_error_says_nothing_of_the_values() -> None:
    with pytest.raises(ExpressionError) as error:
        compile_expression("join('-', secrets)").search({"secrets": ["hunter2", 5]})
    assert "hunter2" not in str(error.value)
    assert "number and string" in str(error.value)


def test_an_expression_and_its_error_travel_to_another_process() -> None:
    travelled = pickle.loads(pickle.dumps(compile_expression("a.b")))  # noqa: S301  # our own
    assert travelled.search({"a": {"b": 1}}) == 1
    error = pickle.loads(pickle.dumps(ExpressionError("syntax", "m", 3)))  # noqa: S301  # our own
    assert (error.kind, error.message, error.offset) == ("syntax", "m", 3)


def test_a_float_counts_as_the_decimal_it_prints_as() -> None:
    found = compile_expression("[a == `1.9`, add(a, `0.1`)]").search({"a": FLOAT_GIVEN})
    assert found == [True, 2]


def test_lists_that_double_are_stopped() -> None:
    text = "[@, @]" + " | [@, @][]" * 40
    with pytest.raises(ExpressionError) as error:
        compile_expression(text).search([1])
    assert error.value.kind == "invalid-value"


def test_text_made_of_parts_that_are_shared_is_stopped() -> None:
    text = "[@, @]" + " | [@, @]" * 40 + " | to_string(@)"
    with pytest.raises(ExpressionError) as error:
        compile_expression(text).search("x")
    assert error.value.kind == "invalid-value"


def test_the_library_s_own_cache_is_left_alone() -> None:
    import jmespath  # noqa: PLC0415  # only here

    compile_expression("`1.5`")
    assert isinstance(jmespath.search("`1.5`", {}), float)
    assert isinstance(compile_expression("`1.5`").search([Decimal(1)]), Decimal)


def test_an_expression_inside_of_a_value_has_no_text() -> None:
    """The library's text is its address in memory, another one each time."""
    text = "to_string({x: missing, y: &@})"
    for document in (0, Decimal(0)):
        with pytest.raises(ExpressionError) as caught:
            compile_expression(text).search(document)
        assert caught.value.kind == "invalid-type"
