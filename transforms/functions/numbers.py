"""Arithmetic, exact in decimals. Only quotients and rounding may lose digits, where documented."""

import math
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from retable.transforms.functions.kinds import refuse_value, whole_number
from retable.transforms.functions.text import check_length
from retable.transforms.number import (
    EXACT,
    MAX_WORKING_EXPONENT,
    QUOTIENT,
    ROUNDED,
    exact,
)

Number = int | Decimal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_PLACES = 130  # no DynamoDB number has a digit further after the point


def absolute(value: Any) -> Number:
    """Return ``value`` without its sign."""
    # abs() would round to the 28 digits of the interpreter's own context.
    return abs(value) if type(value) is int else exact(value).copy_abs()


def add(left: Any, right: Any) -> Decimal:
    """Return the exact sum."""
    return _trimmed(EXACT.add(exact(left), exact(right)))


def subtract(left: Any, right: Any) -> Decimal:
    """Return the exact difference."""
    return _trimmed(EXACT.subtract(exact(left), exact(right)))


def multiply(left: Any, right: Any) -> Decimal:
    """Return the exact product."""
    return _trimmed(EXACT.multiply(exact(left), exact(right)))


def divide(left: Any, right: Any) -> Decimal:
    """Return the quotient to 38 significant digits, half to even."""
    _not_zero(right)
    return _trimmed(QUOTIENT.divide(exact(left), exact(right)))


def modulo(left: Any, right: Any) -> Decimal:
    """Return the exact remainder, with the sign of ``left``."""
    _not_zero(right)
    return _trimmed(EXACT.remainder(exact(left), exact(right)))


def total(numbers: Sequence[Any]) -> Number:
    """Return the exact sum of ``numbers``; 0 for none."""
    result = Decimal(0)
    for number in numbers:
        result = EXACT.add(result, exact(number))
    return _trimmed(result)


def average(numbers: Sequence[Any]) -> Decimal | None:
    """Return the mean to 38 significant digits, half to even; null for no numbers."""
    return divide(total(numbers), len(numbers)) if numbers else None


def ceiling(value: Any) -> int:
    """Return the smallest whole number not below ``value``."""
    return math.ceil(_written_out(value))


def floor(value: Any) -> int:
    """Return the greatest whole number not above ``value``."""
    return math.floor(_written_out(value))


def round_(value: Any, places: Any = 0) -> Decimal:
    """Return ``value`` rounded to ``places`` decimal places, half to even."""
    digits = _places(places, "round()'s places")
    return _trimmed(_quantized(value, digits))


def format_number(value: Any, places: Any, width: Any = 0) -> str:
    """Return ``value`` with exactly ``places`` decimal places, zero-padded to ``width``.

    A minus sign goes before the zeros and counts as one of the characters.
    """
    columns = whole_number(width, "format_number()'s width", least=0)
    check_length(columns)
    rounded = _quantized(value, _places(places, "format_number()'s places"))
    return format(rounded or rounded.copy_abs(), "f").zfill(columns)


def to_number(value: Any) -> Any:
    """Return a number unchanged, a string parsed as a number, and null for anything else."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    # The interpreter's own limit on the digits of an int does not apply to Decimal.
    return _written_out(number)


def number_json(value: Any) -> str:
    """Return a number as JSON writes it, without an exponent and with the digits it has."""
    return format(_written_out(value), "f")


def _written_out(value: Any) -> Decimal:
    """Return ``value``, unless it has unreasonably many digits when written out."""
    number = exact(value)
    if number and abs(number.adjusted()) > MAX_WORKING_EXPONENT:
        refuse_value("the number is too large or too small to work with")
    return number or number.copy_abs()


def _trimmed(number: Decimal) -> Decimal:
    """Return ``number`` without trailing zeros, which would show when it becomes a string."""
    return number.normalize(EXACT)


def _places(places: Any, what: str) -> int:
    digits = whole_number(places, what, least=0)
    if digits > _MAX_PLACES:
        refuse_value(f"{what} must not be above {_MAX_PLACES}")
    return digits


def _quantized(value: Any, digits: int) -> Decimal:
    return ROUNDED.quantize(_written_out(value), Decimal((0, (1,), -digits)))


def _not_zero(divisor: Any) -> None:
    if divisor == 0:
        refuse_value("division by zero")
