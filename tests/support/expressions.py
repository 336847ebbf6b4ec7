"""Hypothesis strategies for JMESPath: expressions that are right, and some that nearly are."""

from typing import Any

from hypothesis import strategies as st

FIELDS = st.sampled_from(["a", "b", "c", "n", "l", "m", '"é"', "missing"])
LITERALS = st.sampled_from(
    ["`1`", "`0`", "`-7`", "`null`", "`true`", "`[]`", "`{}`", '`[1, "a"]`', "'a'", "''", '`"b"`']
)
_UNARY = (
    "abs",
    "ceil",
    "floor",
    "keys",
    "values",
    "length",
    "max",
    "min",
    "reverse",
    "sort",
    "sum",
)
_MORE = ("to_array", "to_number", "to_string", "type", "not_null")
_BINARY = ("contains", "ends_with", "starts_with", "join", "not_null")
_BY = ("max_by", "min_by", "sort_by")
_OF_NUMBERS = st.sampled_from(["sum", "max", "min", "sort"])
_OF_TEXTS = st.sampled_from(["max(", "min(", "sort(", "join(',', "])
_WRONG = st.sampled_from(["nope(", "abs(`1`, "])
_COMPARED = ("==", "!=", "<", "<=", ">", ">=", "&&", "||", "|")
_SUFFIXES = (
    "[0]",
    "[-1]",
    "[*]",
    "[]",
    "[1:]",
    "[::-1]",
    ".*",
    "[*].a",
    "[?a].b",
    ".[a, b]",
    ".{k: a}",
)


def _deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("{}.{}".format, st.builds("({})".format, inner), FIELDS),
        st.builds("{}.{}".format, FIELDS, FIELDS),
        st.builds("({}){}".format, inner, st.sampled_from(_SUFFIXES)),
        st.builds("({})[?{}]".format, inner, inner),
        st.builds("{}({})".format, st.sampled_from(_UNARY + _MORE), inner),
        st.builds("{}({}, {})".format, st.sampled_from(_BINARY), inner, inner),
        st.builds("{}({}, &{})".format, st.sampled_from(_BY), inner, inner),
        st.builds("map(&{}, {})".format, inner, inner),
        st.builds("merge({})".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{x: {}, y: {}}}".format, inner, inner),
        st.builds("({} {} {})".format, inner, st.sampled_from(_COMPARED), inner),
        st.builds("!({})".format, inner),
        st.builds("{}(to_array({})[?type(@) == 'number'])".format, _OF_NUMBERS, inner),
        st.builds("{}to_array({})[?type(@) == 'string'])".format, _OF_TEXTS, inner),
        st.builds(
            "sort_by(to_array({})[?type(@) == 'object'], &to_string({}))".format, inner, inner
        ),
        st.builds("map(&{}, to_array({}))".format, inner, inner),
        st.builds("{}{})".format, _WRONG, inner),
    )


EXPRESSIONS = st.recursive(st.one_of(FIELDS, LITERALS, st.just("@")), _deeper, max_leaves=6)
"""Well-formed expressions; they may fail when evaluated."""


def _spoilt(text: str, place: int, sign: str) -> str:
    cut = place % (len(text) + 1)
    return text[:cut] + sign + text[cut + (not sign) :]


SPOILT = st.builds(
    _spoilt,
    EXPRESSIONS,
    st.integers(0, 200),
    st.sampled_from(["", *"()[]{}.,*&|!?`'\"@:-1a =\\~\u2028"]),
)
"""Expressions with one character gone or one too many."""


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal and of equal kinds: 1 is not true."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return left == right and isinstance(left, bool) == isinstance(right, bool)
