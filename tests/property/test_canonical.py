"""Laws of the canonical form: equal items have equal digests, different ones different."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from retable.transforms.canonical import canonical_value, canonical_values, digest
from retable.transforms.number import normalize_number, number_rank
from retable.transforms.size import item_size
from support.canonical import canonical_item
from support.items import ITEMS, NUMBERS, VALUES

MAX_DIGITS = 38


def shuffled(value: Any, draw: Any) -> Any:
    """Return a DynamoDB JSON value written differently: order and the spelling of numbers."""
    ((kind, inner),) = value.items()
    if kind == "M":
        names = draw(st.permutations(list(inner)))
        return {"M": {name: shuffled(inner[name], draw) for name in names}}
    if kind == "L":
        return {"L": [shuffled(element, draw) for element in inner]}
    if kind == "NS":
        return {"NS": [respelt(member, draw) for member in draw(st.permutations(inner))]}
    if kind in {"SS", "BS"}:
        return {kind: draw(st.permutations(inner))}
    if kind == "B" and draw(st.booleans()):
        return {"B": inner.rstrip("=")}
    return {"N": respelt(inner, draw)} if kind == "N" else value


def respelt(text: str, draw: Any) -> str:
    number = normalize_number(text)
    sign, digits = ("-", number[1:]) if number[0] == "-" else ("", number)
    way = draw(st.sampled_from(["plain", "zeros", "exponent", "fraction"]))
    if way == "zeros":
        return f"{sign}000{digits}"
    if way == "exponent":
        return f"{number}E0"
    return f"{number}000" if way == "fraction" and "." in number else text


@given(ITEMS, st.data())
def test_the_digest_does_not_depend_on_how_an_item_is_written(item: Any, data: Any) -> None:
    """I7: the same item, the same digest."""
    names = data.draw(st.permutations(list(item)))
    other = {name: shuffled(item[name], data.draw) for name in names}
    assert canonical_item(other) == canonical_item(item)
    assert digest(canonical_item(other)) == digest(canonical_item(item))
    assert item_size(canonical_values(other)) == item_size(canonical_values(item))


@given(ITEMS, st.data(), VALUES)
def test_the_digest_is_another_for_any_changed_value(item: Any, data: Any, value: Any) -> None:
    name = data.draw(st.sampled_from(sorted(item)))
    assume(canonical_value(value) != canonical_value(item[name]))
    changed = item | {name: value}
    assert digest(canonical_item(changed)) != digest(canonical_item(item))
    without = {other: item[other] for other in item if other != name}
    assert digest(canonical_item(without)) != digest(canonical_item(item))


@given(ITEMS)
def test_the_form_is_its_own_form(item: Any) -> None:
    form = canonical_item(item)
    assert canonical_item(json.loads(form)) == form


@given(ITEMS)
def test_making_the_form_leaves_the_item_as_it_was(item: Any) -> None:
    before = json.dumps(item)
    canonical_item(item)
    assert json.dumps(item) == before


@given(NUMBERS)
def test_a_number_keeps_its_value_and_its_digits(text: str) -> None:
    canonical = normalize_number(text)
    assert Decimal(canonical) == Decimal(text)
    assert "e" not in canonical.lower()
    assert len(canonical.strip("-0.").replace(".", "").strip("0")) <= MAX_DIGITS


@given(st.text(st.sampled_from("0123456789+-.eE "), max_size=12))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        canonical = normalize_number(text)
    except ValueError:
        return
    assert Decimal(canonical) == Decimal(text)


@given(NUMBERS.map(Decimal), NUMBERS.map(Decimal))
def test_ranks_compare_as_numbers_do(left: Decimal, right: Decimal) -> None:
    assert (number_rank(left) < number_rank(right)) == (left < right)
    assert (number_rank(left) == number_rank(right)) == (left == right)
