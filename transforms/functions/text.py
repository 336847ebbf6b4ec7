"""Functions on strings. Lengths and positions count characters (code points), as in JMESPath.

Those that JMESPath Community specifies follow it. Their results are bounded, so that neither an
item nor a mistake in a spec can exhaust the memory.
"""

from collections.abc import Sequence
from typing import Any

from retable.transforms.functions.kinds import refuse_value, whole_number
from retable.transforms.size import MAX_ITEM_BYTES

MAX_LENGTH = 4 * MAX_ITEM_BYTES
"""Characters or elements that a function may produce: no item holds even a quarter of it."""
# White_Space=yes in Unicode. Python's own set also has U+001C to U+001F.
_WHITE_SPACE = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


def check_length(length: int) -> None:
    """Refuse to build something of ``length`` characters or elements.

    Raises:
        ExpressionError: that is beyond ``MAX_LENGTH``.
    """
    if length > MAX_LENGTH:
        refuse_value(f"the result would be longer than {MAX_LENGTH:,}")


def lower(subject: str) -> str:
    """Return ``subject`` in lowercase."""
    return subject.lower()


def upper(subject: str) -> str:
    """Return ``subject`` in uppercase."""
    return subject.upper()


def starts_with(subject: str, prefix: str) -> bool:
    """Return whether ``subject`` starts with ``prefix``."""
    return subject.startswith(prefix)


def ends_with(subject: str, suffix: str) -> bool:
    """Return whether ``subject`` ends with ``suffix``."""
    return subject.endswith(suffix)


def join(glue: str, strings: Sequence[str]) -> str:
    """Return the strings joined with ``glue``."""
    check_length(sum(map(len, strings)) + len(glue) * len(strings))
    return glue.join(strings)


def split(subject: str, search: str, count: Any = None) -> list[str]:
    """Return the parts of ``subject`` between ``search``, split ``count`` times at most."""
    times = -1 if count is None else whole_number(count, "split()'s count", least=0)
    times = min(times, len(subject))  # str.split takes no number of any size
    if search:
        return subject.split(search, times)
    if times < 0 or times >= len(subject):
        return list(subject)
    return [*subject[:times], subject[times:]] if times else [str(subject)]


def replace(subject: str, old: str, new: str, count: Any = None) -> str:
    """Return ``subject`` with ``old`` replaced by ``new``, ``count`` times at most."""
    times = -1 if count is None else whole_number(count, "replace()'s count", least=0)
    found = subject.count(old)
    check_length(len(subject) + (found if times < 0 else min(found, times)) * len(new))
    return subject.replace(old, new, times if times < found else -1)


def trim(subject: str, chars: str = "") -> str:
    """Return ``subject`` without ``chars`` (white space) at either end."""
    return subject.strip(chars or _WHITE_SPACE)


def trim_left(subject: str, chars: str = "") -> str:
    """Return ``subject`` without ``chars`` (white space) at its start."""
    return subject.lstrip(chars or _WHITE_SPACE)


def trim_right(subject: str, chars: str = "") -> str:
    """Return ``subject`` without ``chars`` (white space) at its end."""
    return subject.rstrip(chars or _WHITE_SPACE)


def pad_left(subject: str, width: Any, pad: str = " ") -> str:
    """Return ``subject`` padded on the left to ``width`` characters."""
    return subject.rjust(_width(width, pad), pad)


def pad_right(subject: str, width: Any, pad: str = " ") -> str:
    """Return ``subject`` padded on the right to ``width`` characters."""
    return subject.ljust(_width(width, pad), pad)


def find_first(subject: str, sub: str, start: Any = None, end: Any = None) -> int | None:
    """Return the first position of ``sub`` in ``subject[start:end]``; null if there is none."""
    low, high = _bounds(start, end, "find_first()")
    return _place(subject.find(sub, low, high)) if subject and sub else None


def find_last(subject: str, sub: str, start: Any = None, end: Any = None) -> int | None:
    """Return the last position of ``sub`` in ``subject[start:end]``; null if there is none."""
    low, high = _bounds(start, end, "find_last()")
    return _place(subject.rfind(sub, low, high)) if subject and sub else None


def substring(subject: str, start: Any, end: Any = None) -> str:
    """Return the characters from ``start`` up to ``end``; negative positions count from the end."""
    low, high = _bounds(start, end, "substring()")
    return subject[low:high]


def _place(index: int) -> int | None:
    return None if index < 0 else index


def _bounds(start: Any, end: Any, function: str) -> tuple[int | None, int | None]:
    low = None if start is None else whole_number(start, f"{function}'s start")
    high = None if end is None else whole_number(end, f"{function}'s end")
    return low, high


def _width(width: Any, pad: str) -> int:
    if len(pad) != 1:
        refuse_value("the padding must be a single character")
    columns = whole_number(width, "the width", least=0)
    check_length(columns)
    return columns
