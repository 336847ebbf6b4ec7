"""The value of an unquoted YAML scalar, if YAML 1.1 and YAML 1.2 agree on it.

``no`` is false in one and a string in the other, ``0123`` is 83 or 123, ``12:30:45`` is 45045 or a
string. A spec must not depend on which parser reads it, so such values are refused. Dates are
strings here. Positions and tags are handled by ``compose`` and ``document``.
"""

import re
from decimal import Decimal

from retable.schema.limits import parse_number

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# YAML 1.2.2, section 10.3.2 (core schema). Hexadecimal is the same in YAML 1.1.
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_HEX = re.compile(r"0x[0-9a-fA-F]{1,32}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# What only one of the two versions reads as a boolean or a number (yaml.org/type for 1.1).
_AMBIGUOUS = re.compile(
    r"""
    (?:yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF)
    | [-+]?0[0-9_]+                                       # octal, or decimal
    | [-+]?0o[0-7_]+ | [-+]?0b[01_]+ | [-+]?0x[0-9a-fA-F_]+
    | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?    # sexagesimal
    | [-+]?(?=[^_]*_)(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
    | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
    """,
    re.ASCII | re.VERBOSE,
)
_FIRST = frozenset("+-.0123456789yYnNoO")
"""The first characters of everything that may not be a string, except the words above."""
# yaml.org/type/timestamp.html
_DATE = re.compile(
    r"""
    [0-9]{4}-[0-9]{2}-[0-9]{2}
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2} (?:[Tt]|[ \t]+) [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?
      (?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?
    """,
    re.ASCII | re.VERBOSE,
)

PlainValue = str | int | Decimal | bool | None


def is_date(text: str) -> bool:
    """Return whether YAML 1.1 reads the unquoted scalar ``text`` as a date or an instant."""
    return text[:1].isdecimal() and _DATE.fullmatch(text) is not None


class AmbiguousScalarError(ValueError):
    """An unquoted scalar that the two versions of YAML read differently."""


def resolve_plain(text: str) -> PlainValue:
    """Return the value of the unquoted scalar ``text``: whole numbers as int, others as Decimal.

    Raises:
        AmbiguousScalarError: YAML 1.1 and YAML 1.2 disagree on it.
        ValueError: it is a number that DynamoDB cannot hold exactly.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _FIRST:
        return text
    if _INT.fullmatch(text):
        parse_number(text)
        return int(text)
    if _HEX.fullmatch(text):
        number = int(text, 16)
        parse_number(str(number))
        return number
    if _AMBIGUOUS.fullmatch(text):
        message = "YAML 1.1 and YAML 1.2 read it differently"
        raise AmbiguousScalarError(message)
    if _FLOAT.fullmatch(text):
        return parse_number(text)
    return text
