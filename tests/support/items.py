"""Hypothesis strategies for DynamoDB JSON: items as an export holds them, and nearly such items."""

import base64
from typing import Any

from hypothesis import strategies as st

NAMES = st.sampled_from(["a", "b", "c", "é", "n", "l", "m"])
TEXT = st.text(st.sampled_from("ab01é-#\n\U0001f600"), max_size=6)
NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1).map(str),
    st.decimals(-1000, 1000, places=3).map(str),
    st.sampled_from(["0", "-0", "1E125", "1E-130", "0042.1200", "-9.99E+125", "12e2"]),
)
BINARY = st.binary(max_size=6).map(lambda raw: base64.b64encode(raw).decode())


def _set_of(kind: str, members: st.SearchStrategy[str], by: Any) -> st.SearchStrategy[Any]:
    sets = st.lists(members, min_size=1, max_size=4, unique_by=by)
    return sets.map(lambda found: {kind: found})


SCALARS = st.one_of(
    TEXT.map(lambda text: {"S": text}),
    NUMBERS.map(lambda text: {"N": text}),
    BINARY.map(lambda text: {"B": text}),
    st.booleans().map(lambda flag: {"BOOL": flag}),
    st.just({"NULL": True}),
    _set_of("SS", TEXT, str),
    _set_of("NS", st.integers(-99, 99).map(str), str),
    _set_of("BS", BINARY, str),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda found: {"L": found}),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda found: {"M": found}),
    ),
    max_leaves=6,
)
ITEMS = st.builds(
    lambda rest, key: rest | {"id": {"S": key}},
    st.dictionaries(NAMES, VALUES, max_size=5),
    TEXT.filter(bool),
)
"""Items whose key attribute is ``id``."""

WRONG_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"NULL": False},
        {"SS": []},
        {"N": "x"},
        {"N": "1E999"},
        {"S": 1},
        {},
        None,
        {"L": {}},
        {"B": "*"},
    ]
)
NEARLY_ITEMS = st.builds(
    lambda item, name, wrong: item | {name: wrong},
    ITEMS,
    st.one_of(NAMES, st.just("id")),
    WRONG_VALUES,
)
"""Items of which one attribute is no value at all, or is the key and of the wrong kind."""
