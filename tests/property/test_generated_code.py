"""No text from outside becomes code: names, literals and expressions stay what they are."""

import ast
import json
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retable.schema.reasons import Reason
from retable.transforms.compiler.code import Module
from retable.transforms.item_outcome import Kept, Rejected
from support.mapping_specs import field, key, line, mapping, reason

NASTY = [
    "'",
    '"',
    "\\",
    "\n",
    "\r",
    "{x}",
    "%s",
    "__class__",
    "class",
    "None",
    "item",
    "#",
    "\u2028",
    "\u0000",
    "é",
    "\U0001f600",
    "'); raise SystemExit('",
    '"""',
    "\\'",
    "{{",
    "place",
]
NAMES = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)


def quoted(name: str) -> str:
    """Return ``name`` as JMESPath's quoted identifier."""
    return json.dumps(name)


@given(NAMES, NAMES, NAMES)
@example("'", "\\", "\n")
@example("{}", '"""', "\U0001f600")
def test_any_name_and_any_literal_pass_through_as_they_are(
    source: str, made: str, text: str
) -> None:
    raw = "`" + json.dumps(text).replace("`", "\\`") + "`"
    fields = (
        field(made, quoted(source)),
        field(made + "2", raw),
        field(made + "3", f"{quoted(source)} == {raw}"),
    )
    item = {"id": {"S": "1"}, source: {"S": text}}
    outcome = mapping(*fields, copy=("id",)).apply(line(item))
    assert isinstance(outcome, Kept), outcome
    found = json.loads(outcome.results[0].item_json)
    value = item[source]
    expected: dict[str, Any] = {"id": {"S": "1"}, made: value, made + "2": {"S": text}}
    expected[made + "3"] = {"BOOL": value == {"S": text}}
    assert found == expected or made == "id" or source == "id"


@given(NAMES, NAMES, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_key_of_any_name_has_the_text_that_json_gives_it(
    partition: str, sort: str, value: str
) -> None:
    if partition == sort:
        return
    item = {partition: {"S": value}, sort: {"N": "1.50"}}
    outcome = mapping(schema=key(partition, sort, ("S", "N"))).apply(line(item))
    assert isinstance(outcome, Kept), outcome
    expected = {partition: {"S": value}, sort: {"N": "1.5"}}
    assert outcome.results[0].key == orjson.dumps(expected).decode()


@given(NAMES)
def test_a_comment_stays_a_comment(text: str) -> None:
    module = Module({})
    writer = module.function("f", "x")
    writer.comment(text)
    writer.comment(text * 100)
    name = writer.end("x")
    (function,) = ast.parse(module.source).body
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1
    assert module.run(name, "<test>")(7) == 7


@pytest.mark.parametrize(
    "text",
    [
        b'{"Item":{"id":{"S":"1"},"id":{"S":"2"}}}',
        b'{"Item":{"id":{"S":"1","S":"2"}}}',
        b'{"Item":{"id":{"S":"1"},"m":{"M":{"a":{"N":"1"},"a":{"N":"1"}}}}}',
        b'{"Item":{"id":{"S":"1"}},"Item":{"id":{"S":"1"}}}',
        b'{ "Item" : {"id":{"S":"1"}, "id" :{"S":"2"}}}',
    ],
)
def test_a_line_that_names_something_twice_is_malformed(text: bytes) -> None:
    assert reason(mapping().apply(text)) is Reason.MALFORMED_LINE


@pytest.mark.parametrize(
    "text",
    [
        b' {"Item": {"id": {"S": "1"}}} \r',
        b'{"Item":{"\\u0069d":{"S":"\\u0031"}}}',
        b'{"Item":{"id":{"S":"1"}},"more":[1,{"a":1e5}]}',
    ],
)
def test_blanks_and_escapes_are_no_reason_against_a_line(text: bytes) -> None:
    outcome = mapping().apply(text)
    assert isinstance(outcome, Kept)
    assert outcome.results[0].item_json == b'{"id":{"S":"1"}}'


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.text(max_size=3)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["S", "N", "M", "L", "SS", "NULL", "id", "a"]), inner, max_size=3
            ),
        ),
    )
)
def test_no_json_at_all_makes_apply_raise(value: Any) -> None:
    """What is hostile is refused with a reason, by every way of looking at it."""
    looks = (
        field("id", "a"),
        field("b", "a.b[0].c"),
        field("c", "a[*].b || a.*"),
        field("d", "length(a)"),
        field("e", "a[?b == `1`]"),
        field("f", "@"),
        field("g", "a[]"),
    )
    for one in (mapping(), mapping(*looks), mapping(where="a.b && a[1:]", copy="none")):
        outcome = one.apply(orjson.dumps({"Item": value}))
        assert isinstance(outcome, (Kept, Rejected)) or outcome == ()
        assert isinstance(one.apply(orjson.dumps({"Item": {"id": {"S": "1"}, "a": value}})), tuple)
