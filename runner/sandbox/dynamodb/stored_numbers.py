"""DynamoDB's numbers: what is valid, how it is stored, how many bytes it takes.

Written for the sandbox alone and deliberately not shared with the kernel's normalization, so that
each can be tested against the other.
"""

import re
from decimal import Decimal

from retable.runner.sandbox.dynamodb.api_error import invalid

MAX_DIGITS = 38
"""Significant digits of a number; Limits page of the DynamoDB Developer Guide."""
MAX_EXPONENT = 125
MIN_EXPONENT = -130
SYNTAX = re.compile(r"-?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
PLAIN = re.compile(r"0|-?[1-9]\d{0,37}", re.ASCII)
"""Numbers that are stored as written; a fast path for the usual case."""


def stored_number(text: str) -> str:
    """Return ``text`` as DynamoDB stores it: no exponent, no redundant zeros.

    Raises:
        ApiError: it is not a number, has over 38 significant digits or is out of range.
    """
    if PLAIN.fullmatch(text):
        return text
    if not text:
        message = "The parameter cannot be converted to a numeric value"
        raise invalid(message)
    if not SYNTAX.fullmatch(text):
        message = f"The parameter cannot be converted to a numeric value: {text}"
        raise invalid(message)
    number = Decimal(text)
    _check_range(number)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > MAX_DIGITS:
        message = "Attempting to store more than 38 significant digits in a Number"
        raise invalid(message)
    return _expanded(number, digits)


def number_size(stored: str) -> int:
    """Return the bytes of a number in the form that ``stored_number`` returns.

    One byte, one for every two significant digits on each side of the point, one for a minus sign
    (measured against the service with 23 literals).
    """
    if stored == "0":
        return 1
    integer, _, fraction = stored.removeprefix("-").partition(".")
    integer = integer.lstrip("0") if fraction else integer.strip("0")
    if not integer:
        fraction = fraction.lstrip("0")
    pairs = (len(integer) + 1) // 2 + (len(fraction) + 1) // 2
    return 1 + pairs + stored.startswith("-")


def _check_range(number: Decimal) -> None:
    """Refuse a magnitude outside 1E-130 to 9.99E+125, and a zero with too large an exponent."""
    exponent = number.adjusted()
    problem = None
    if exponent > MAX_EXPONENT:
        problem = ("overflow", "larger")
    elif number and exponent < MIN_EXPONENT:
        problem = ("underflow", "smaller")
    if problem is not None:
        message = (
            f"Number {problem[0]}. Attempting to store a number with magnitude {problem[1]}"
            " than supported range"
        )
        raise invalid(message)


def _expanded(number: Decimal, digits: str) -> str:
    """Return a number in plain notation: ``digits`` are the significant ones, no outer zeros."""
    if not digits:
        return "0"
    sign = "-" if number.is_signed() else ""
    point = number.adjusted() + 1
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if point >= len(digits):
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    return f"{sign}{digits[:point]}.{digits[point:]}"
