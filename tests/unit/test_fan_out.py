"""Templates: one exported item becomes several target items, or none of a template."""

import json
from typing import Any

import pytest

from retable.schema.reasons import Reason
from retable.schema.spec import ExpectItem, ExpectItems, ExpectSome, RowTest, Template
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected
from retable.transforms.rows import run_row
from support.mapping_specs import NOWHERE, expression, field, line, mapping, reason

ORDER: dict[str, Any] = {
    "id": {"S": "7"},
    "lines": {"L": [{"M": {"sku": {"S": "a"}, "n": {"N": "2"}}}, {"M": {"sku": {"S": "b"}}}]},
}
HEADER = Template(copy=("id",), fields=(field("id", "id"), field("part", "'HEADER'")))


def each(text: str, *fields: Any, where: str | None = None, **rest: Any) -> Template:
    return Template(
        each=expression(text),
        where=None if where is None else expression(where),
        fields=fields,
        **rest,
    )


def items(outcome: Outcome) -> list[Any]:
    assert isinstance(outcome, Kept), outcome
    return [json.loads(result.item_json) for result in outcome.results]


def apply(*templates: Template, item: Any = None, **rest: Any) -> Outcome:
    return mapping(items=templates, **rest).apply(line(item or ORDER))


def test_each_template_makes_an_item_and_each_element_one() -> None:
    lines = each("lines[*]", field("id", "join('/', [id, line.sku])"), bind="line")
    assert items(apply(HEADER, lines)) == [
        {"id": {"S": "7"}, "part": {"S": "HEADER"}},
        {"id": {"S": "7/a"}},
        {"id": {"S": "7/b"}},
    ]


def test_a_skipped_template_does_not_stop_the_next() -> None:
    never = Template(where=expression("missing"), fields=(field("id", "id"),))
    some = each("lines", field("id", "each.sku"), where="each.n > `1`")
    assert items(apply(never, HEADER, some)) == [
        {"id": {"S": "7"}, "part": {"S": "HEADER"}},
        {"id": {"S": "a"}},
    ]
    assert apply(never) == Kept(())


def test_where_of_the_transform_drops_the_item_with_all_it_would_become() -> None:
    assert apply(HEADER, where="missing") == Dropped()


def test_an_element_hides_an_attribute_of_its_name_and_only_within_its_template() -> None:
    item = ORDER | {"each": {"S": "mine"}}
    of_item = Template(fields=(field("id", "id"), field("x", "each")))
    of_line = each("lines", field("id", "each.sku"), field("all", "keys(@)"))
    first, second, _ = items(apply(of_item, of_line, item=item))
    assert first["x"] == {"S": "mine"}
    assert second["all"] == {"L": [{"S": name} for name in ("each", "id", "lines")]}


def test_elements_keep_their_types_and_sets_and_computed_arrays_have_elements_too() -> None:
    item = {"id": {"S": "7"}, "tags": {"SS": ["b", "a"]}, "text": {"S": "x,y"}}
    tags = each("tags", field("id", "each"))
    words = each("split(text, ',')", field("id", "each"), field("whole", "@.each"))
    whole = {"S": "x"}
    assert items(apply(tags, words, item=item))[:3] == [
        {"id": {"S": "a"}},
        {"id": {"S": "b"}},
        {"id": {"S": "x"}, "whole": whole},
    ]


def test_no_array_gives_no_item_and_what_is_none_is_an_error() -> None:
    assert apply(each("missing", field("id", "id"))) == Kept(())
    assert apply(each("none", field("id", "id")), item=ORDER | {"none": {"NULL": True}}) == Kept(())
    outcome = apply(each("id", field("id", "id")))
    assert reason(outcome) is Reason.EXPRESSION_ERROR
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "transform.items[0].each: each must be an array, not string"


def test_one_result_that_cannot_be_rejects_the_exported_item() -> None:
    assert reason(apply(HEADER, each("lines", field("id", "each.n")))) is Reason.WRONG_KEY_TYPE
    lines = each("lines", field("id", "each.sku"), field("n", "each.n", required=True))
    assert reason(apply(HEADER, lines)) is Reason.MISSING_FIELD


def test_copies_of_one_item_do_not_share_what_a_template_adds() -> None:
    first = Template(copy="all", drop=("lines",), fields=(field("id", "'1'"), field("x", "id")))
    second = Template(copy="all", fields=(field("id", "'2'"),))
    assert items(apply(first, second)) == [
        {"id": {"S": "1"}, "x": {"S": "7"}},
        ORDER | {"id": {"S": "2"}},
    ]


@pytest.mark.parametrize(
    ("expect", "lines"),
    [
        (ExpectItems((ExpectSome({"part": {"S": "HEADER"}}), ExpectItem({"id": {"S": "a"}}))), ()),
        (
            ExpectItems((ExpectSome({"part": {"S": "X"}}), ExpectItem({"id": {"S": "b"}}))),
            (
                'item 1: part: expected {"S":"X"}, got {"S":"HEADER"}',
                'item 2: id: expected {"S":"b"}, got {"S":"a"}',
            ),
        ),
        (ExpectItem({"id": {"S": "7"}}), ("expected an item, got 2 items",)),
    ],
)
def test_a_row_test_names_the_item_that_differs(expect: Any, lines: tuple[str, ...]) -> None:
    templates = (HEADER, each("lines[:1]", field("id", "each.sku")))
    row = RowTest(name="r", given=ORDER, expect=expect, span=NOWHERE)
    assert tuple(map(str, run_row(mapping(items=templates), row))) == lines
