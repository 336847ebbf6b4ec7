"""DynamoDB's numbers: their one canonical form, and exact arithmetic on them. Never a float.

A number has at most 38 significant digits and is within 1E-130 to 9.99E+125, or is zero (AWS:
the developer guide, "Supported data types"). DynamoDB stores it without needless zeros and returns
it with its exponent expanded: ``0042.1200`` as ``42.12``, ``1E3`` as ``1000``, ``-0`` as ``0``.
"""

import re
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

from retable.schema.limits import MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT

MAX_WORKING_EXPONENT = 999
"""Bounds what arithmetic may pass through: the product of three DynamoDB numbers still fits."""
EXACT = Context(
    prec=600,
    rounding=ROUND_HALF_EVEN,
    Emin=-MAX_WORKING_EXPONENT,
    Emax=MAX_WORKING_EXPONENT,
    traps=[Inexact, InvalidOperation, DivisionByZero, Overflow],
)
"""For sums and products: every digit is kept, or the operation raises."""
QUOTIENT = Context(
    prec=MAX_DIGITS,
    rounding=ROUND_HALF_EVEN,
    Emin=-MAX_WORKING_EXPONENT,
    Emax=MAX_WORKING_EXPONENT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""For quotients, which may not terminate: 38 significant digits, half to even."""
ROUNDED = Context(
    prec=2000,
    rounding=ROUND_HALF_EVEN,
    Emin=-MAX_WORKING_EXPONENT,
    Emax=MAX_WORKING_EXPONENT,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""For rounding to a place, half to even."""

_PLAIN = re.compile(r"(?!-0\Z)-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
_SYNTAX = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?)0*([0-9]+))?")
_MAX_EXPONENT_DIGITS = 7  # an exponent as long as an item would take minutes to read as an int


class NumberRangeError(ValueError):
    """A number that DynamoDB cannot hold exactly."""


def normalize_number(text: str) -> str:
    """Return the canonical form of the number in ``text``.

    Raises:
        NumberRangeError: it has over 38 significant digits or is outside DynamoDB's range; a
            ``ValueError``.
        ValueError: ``text`` is not a number: ASCII digits with an optional sign, point and
            exponent.
    """
    # Numbers in a native export are canonical already; with 38 characters the digits must fit.
    if len(text) <= MAX_DIGITS and (_is_plain_int(text) or _PLAIN.fullmatch(text)):
        return text
    found = _SYNTAX.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        message = "not a number"
        raise ValueError(message)
    whole, fraction = found[2], found[3] or ""
    exponent = _exponent(found[4] or "", found[5] or "0")
    return _render(found[1] == "-", whole + fraction, len(whole), exponent)


def _is_plain_int(text: str) -> bool:
    return text.isdigit() and text.isascii() and (text[0] != "0" or text == "0")


def exact(number: float | Decimal) -> Decimal:
    """Return ``number`` as a Decimal: an int with all its digits, a float as it prints."""
    if type(number) is Decimal:
        return number
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def number_rank(number: Decimal) -> bytes:
    """Return bytes that sort by the number's value: equal for equal numbers."""
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0").rstrip("0")
    if not text:
        return b"\x80"
    exponent = number.adjusted() + 0x8000
    if not sign:
        return b"\x81" + exponent.to_bytes(2, "big") + text.encode("ascii")
    # Digits are complemented, and a last byte above every digit puts -0.12 after -0.123.
    turned = bytes(ord("9") - ord(digit) + ord("0") for digit in text)
    return b"\x7f" + (0xFFFF - exponent).to_bytes(2, "big") + turned + b"\xff"


def _exponent(sign: str, digits: str) -> int:
    size = int(digits) if len(digits) <= _MAX_EXPONENT_DIGITS else 10**_MAX_EXPONENT_DIGITS
    return -size if sign == "-" else size


def _render(negative: bool, digits: str, point: int, exponent: int) -> str:  # noqa: FBT001  # a sign is no option
    """Return the canonical form of ``digits`` with the point after ``point`` of them, scaled."""
    significant = digits.lstrip("0")
    if not significant:
        # DynamoDB reads 0e125 as zero and refuses 0e126 as an overflow.
        if exponent > MAX_EXPONENT:
            raise NumberRangeError(_out_of_range())
        return "0"
    point += exponent - (len(digits) - len(significant))
    significant = significant.rstrip("0")
    if len(significant) > MAX_DIGITS:
        message = f"a number of {len(significant)} digits; DynamoDB holds {MAX_DIGITS} at most"
        raise NumberRangeError(message)
    if not MIN_EXPONENT <= point - 1 <= MAX_EXPONENT:
        raise NumberRangeError(_out_of_range())
    return ("-" if negative else "") + _plain(significant, point)


def _plain(significant: str, point: int) -> str:
    if point <= 0:
        return "0." + "0" * -point + significant
    if point >= len(significant):
        return significant + "0" * (point - len(significant))
    return f"{significant[:point]}.{significant[point:]}"


def _out_of_range() -> str:
    return "a number outside 1E-130 to 9.99E+125, which is what DynamoDB holds"
