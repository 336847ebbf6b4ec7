"""What expressions see of DynamoDB's values, and what becomes of those they hand on."""

from typing import Any

import pytest

from support.mapping_specs import CANONICAL, EVERYTHING, field, line, made, mapping, value_of


@pytest.mark.parametrize(
    "text",
    [
        "{0}",
        "@.{0}",
        "not_null(missing, {0})",
        "missing || {0}",
        "values({{a: {0}}})[0]",
        "merge({{a: `1`}}, {{a: {0}}}).a",
        "sort_by([{{k: `1`, v: {0}}}], &k)[0].v",
        "[{0}] | [0]",
        "from_items([['a', {0}]]).a",
        "zip([{0}])[0][0]",
        "max_by([{{k: `1`, v: {0}}}], &k).v",
        "reverse([{0}])[0]",
    ],
)
@pytest.mark.parametrize("name", sorted(EVERYTHING.keys() - {"id", "nothing"}))
def test_a_value_passed_through_keeps_its_type(text: str, name: str) -> None:
    assert value_of(text.format(name), EVERYTHING) == CANONICAL[name]


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("nothing", {"NULL": True}),
        ("map.none", {"NULL": True}),
        ("list[1]", {"NULL": True}),
        ("[nothing, missing]", {"L": [{"NULL": True}, {"NULL": True}]}),
        ("{a: missing}", {"M": {"a": {"NULL": True}}}),
        ("missing", None),
        ("map.missing", None),
        ("text.x", None),
        ("nothing.x", None),
        ("`null`", None),
        ("not_null(nothing)", None),
        ("max(`[]`)", None),
        ("texts.a", None),
        ("missing.map", None),
        ("list[9]", None),
        ("to_set(`[]`)", None),
    ],
)
def test_a_null_that_is_there_stays_and_one_that_is_computed_is_absent(
    text: str, typed: Any
) -> None:
    assert value_of(text, EVERYTHING) == typed


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("nothing == `null`", True),
        ("nothing == missing", True),
        ("!nothing", True),
        ("type(nothing) == 'null'", True),
        ("to_string(nothing) == 'null'", True),
        ("[nothing] == [`null`]", True),
        ("contains(list, `null`)", True),
        ("length(list[*]) == `3`", True),
        ("length(list[?@ == `null`]) == `0`", True),
        ("(nothing || 'x') == 'x'", True),
        ("length(map.*) == `2`", True),
        ("length(keys(map)) == `3`", True),
    ],
)
def test_a_null_that_is_there_counts_as_null(text: str, *, typed: bool) -> None:
    assert value_of(text, EVERYTHING) == {"BOOL": typed}


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("join(',', texts)", {"S": "a,b"}),
        ("texts[0]", {"S": "a"}),
        ("numbers[0]", {"N": "9"}),
        ("binaries[0]", {"B": "AA=="}),
        ("texts[*]", {"L": [{"S": "a"}, {"S": "b"}]}),
        ("reverse(texts)", {"L": [{"S": "b"}, {"S": "a"}]}),
        ("to_array(texts)", {"SS": ["a", "b"]}),
        ("lower(binary)", {"S": "aah/"}),
        ("binary", {"B": "AAH/"}),
        ("to_binary('AAH/')", {"B": "AAH/"}),
        ("to_set(['b', 'a', 'b'])", {"SS": ["a", "b"]}),
        ("to_set([`1`, `1.0`, `0.5`])", {"NS": ["0.5", "1"]}),
        ("to_set([binary])", {"BS": ["AAH/"]}),
        ("keys(map)", {"L": [{"S": "deep"}, {"S": "inner"}, {"S": "none"}]}),
        ("length(text)", {"N": "3"}),
        ("flag && `1.50`", {"N": "1.5"}),
        ("map.{d: deep.b, n: inner}", {"M": {"d": {"B": "AA=="}, "n": {"NS": ["1"]}}}),
        ("sum(numbers)", {"N": "19"}),
        ("add(number, `0`)", {"N": "9" * 38}),
        ("abs(number)", {"N": "9" * 38}),
        ("max([number, `0`])", {"N": "9" * 38}),
    ],
)
def test_what_is_computed_is_typed_by_what_it_is(text: str, typed: Any) -> None:
    assert value_of(text, EVERYTHING) == typed


def test_names_come_in_their_order_whatever_the_export_s() -> None:
    """I7: an export does not promise the order of attributes."""
    item = {"b": {"N": "2"}, "a": {"N": "1"}}
    names = {"L": [{"S": "a"}, {"S": "b"}, {"S": "id"}]}
    assert (
        made(mapping(field("made", "keys(@)")).apply(line(item | {"id": {"S": "1"}})))["made"]
        == names
    )
    assert value_of("m.*", {"m": {"M": item}}) == {"L": [{"N": "1"}, {"N": "2"}]}
