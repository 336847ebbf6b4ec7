"""Digests over chosen attributes: equal exactly where these are equal."""

import pickle

import orjson
from hypothesis import given
from hypothesis import strategies as st

from retable.schema.reasons import Reason
from retable.transforms.canonical import digest
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected, Result
from retable.transforms.project import Projected, project
from support.canonical import canonical_item

ITEM = {"id": {"S": "1"}, "total": {"N": "1"}, "note": {"S": "x"}}
CHOSEN = frozenset(["id", "total"])


def result(**attributes: object) -> Result:
    body = orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS)
    return Result(body, "{}", digest(body), len(body), b"rank")


class Fixed:
    """A mapping that gives what it is told to."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def apply(self, line: bytes) -> Outcome:
        del line
        return self.outcome


def test_only_the_digest_changes() -> None:
    whole = result(**ITEM)
    assert project(whole, CHOSEN)._replace(digest=whole.digest) == whole


def test_all_attributes_give_the_digest_of_the_whole_item() -> None:
    whole = result(**ITEM)
    assert project(whole, frozenset(ITEM)).digest == digest(canonical_item(ITEM)) == whole.digest


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(0, 2)), st.sets(st.sampled_from("abcd"))
)
def test_items_agree_exactly_where_their_chosen_attributes_do(
    values: dict[str, int], chosen: set[str]
) -> None:
    item = {name: {"N": str(value)} for name, value in values.items()}
    other = {**item, "a": {"N": "7"}, "z": {"S": "?"}}
    same = "a" not in chosen
    digests = [project(result(**one), chosen).digest for one in (item, other)]
    assert (digests[0] == digests[1]) == same


def test_what_is_no_item_stays_as_it_is() -> None:
    for outcome in (Dropped(), Rejected(Reason.MISSING_KEY, "")):
        assert Projected(Fixed(outcome), CHOSEN).apply(b"") is outcome


def test_it_travels_to_other_processes() -> None:
    mapping = Projected(Fixed(Kept((result(**ITEM),))), CHOSEN)
    again = pickle.loads(pickle.dumps(mapping))  # noqa: S301 -- our own bytes
    assert again.apply(b"") == mapping.apply(b"")
