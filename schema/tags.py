"""What a spec may be tagged with: words that select it, which pytest takes for marks."""

import re

RESERVED_TAGS = frozenset(
    {
        *("skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings"),
        *("tryfirst", "trylast", "and", "or", "not", "True", "False", "None"),
    }
)
"""Words that pytest gives a meaning as marks, or that its -m takes for operators."""
_TAG = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", re.ASCII)


def is_tag(text: str) -> bool:
    """Say whether ``text`` may be a tag."""
    return _TAG.fullmatch(text) is not None and text not in RESERVED_TAGS
