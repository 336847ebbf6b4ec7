"""The tags of a spec: words that select it, which become pytest marks."""

import re

RESERVED_TAGS = frozenset(
    {
        *("skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"),
        *("tryfirst", "trylast", "and", "or", "not", "True", "False", "None"),
    }
)
"""Words that are pytest's own marks, or that its -m reads as operators."""
_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


def is_tag(text: str) -> bool:
    """Return whether ``text`` may be a tag."""
    return _TAG.fullmatch(text) is not None and text not in RESERVED_TAGS
