"""Laws of the mapping: it always answers, and says the same each time."""

import json
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retable.schema.reasons import Reason
from retable.schema.spec import Winner
from retable.transforms.describe import describe_item
from retable.transforms.item_outcome import Dropped, Kept, Rejected
from retable.transforms.mapping import Mapping
from support.canonical import canonical_item
from support.expressions import EXPRESSIONS
from support.items import ITEMS, NEARLY_ITEMS
from support.mapping_specs import ID, expression, field, line, mapping

TYPES = st.sampled_from([None, "S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"])
BUSY = mapping(
    field("a", "b || c.n"),
    field("made", "[a, to_string(m), keys(@)]"),
    field("sum", "sum(l[?type(@) == 'number'])", default={"N": "0"}),
    where="!n || `true`",
    drop=("c",),
    collisions=Winner(take="latest", by=expression("type(n) == 'number' && n || 'none'")),
)


@st.composite
def mappings(draw: Any) -> Mapping:
    """Draw a mapping of a few fields; one of them may be the key."""
    names = draw(st.lists(st.sampled_from(["a", "made", "id"]), unique=True, max_size=2))
    fields = [
        field(n, draw(EXPRESSIONS), type=draw(TYPES), required=draw(st.booleans())) for n in names
    ]
    where = draw(st.one_of(st.none(), EXPRESSIONS))
    copy = draw(st.sampled_from(["all", "none", ("id", "a", "b")]))
    return mapping(*fields, where=where, copy=copy, drop=draw(st.sampled_from([(), ("b", "c")])))


@given(st.binary(max_size=200))
def test_any_bytes_have_an_outcome(text: bytes) -> None:
    assert isinstance(BUSY.apply(text), Kept | Dropped | Rejected)


@given(st.one_of(ITEMS, NEARLY_ITEMS), st.integers(0, 10_000), st.binary(max_size=2))
def test_a_line_that_is_nearly_right_has_an_outcome(item: Any, place: int, bytes_: bytes) -> None:
    text = line(item)
    cut = place % len(text)
    assert isinstance(BUSY.apply(text[:cut] + bytes_ + text[cut + 1 :]), Kept | Dropped | Rejected)
    assert isinstance(BUSY.apply(text), Kept | Dropped | Rejected)


@given(mappings(), st.one_of(ITEMS, NEARLY_ITEMS))
def test_any_mapping_answers_any_item_the_same_each_time(made: Mapping, item: Any) -> None:
    """I7: the same line, the same outcome, in another process too."""
    text = line(item)
    kept = bytes(bytearray(text))
    outcome = made.apply(text)
    assert made.apply(kept) == outcome
    assert text == kept
    assert pickle.loads(pickle.dumps(made)).apply(text) == outcome  # noqa: S301  # our own


@given(mappings(), ITEMS)
def test_what_is_kept_is_an_item_of_the_table_in_canonical_form(made: Mapping, item: Any) -> None:
    outcome = made.apply(line(item))
    if isinstance(outcome, Kept):
        (result,) = outcome.results
        kept = json.loads(result.item_json)
        assert canonical_item(kept) == result.item_json
        assert describe_item(kept, ID) == result


@given(mappings(), ITEMS, st.randoms())
def test_the_order_of_attributes_does_not_change_the_outcome(
    made: Mapping, item: Any, random: Any
) -> None:
    """I7: an export promises no order."""
    names = list(item)
    random.shuffle(names)
    assert made.apply(line({name: item[name] for name in names})) == made.apply(line(item))


@given(ITEMS)
def test_an_item_that_is_only_copied_is_kept_whole(item: Any) -> None:
    outcome = mapping().apply(line(item))
    assert isinstance(outcome, Kept)
    assert outcome.results[0].item_json == canonical_item(item)


@given(NEARLY_ITEMS)
def test_an_item_with_a_wrong_value_is_refused(item: Any) -> None:
    outcome = mapping().apply(line(item))
    assert isinstance(outcome, Rejected)
    assert outcome.reason in {Reason.MALFORMED_ITEM, Reason.NUMBER_OUT_OF_RANGE, Reason.MISSING_KEY}
