"""Arithmetic, exact in decimals. Only quotients and roundings may lose digits, and say where."""

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
    number_text,
)

Number = int | Decimal

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_PLACES = 130  # no DynamoDB number has a digit further behind the point


def absolute(value: Any) -> Number:
    """Return ``value`` without its sign."""
    # abs() would round to the 28 digits of the interpreter's own context.
    return abs(value) if type(value) is int else exact(value).copy_abs()


def add(left: Any, right: Any) -> Decimal:
    """Return the exact sum."""
    return EXACT.add(exact(left), exact(right))


def subtract(left: Any, right: Any) -> Decimal:
    """Return the exact difference."""
    return EXACT.subtract(exact(left), exact(right))


def multiply(left: Any, right: Any) -> Decimal:
    """Return the exact product."""
    return EXACT.multiply(exact(left), exact(right))


def divide(left: Any, right: Any) -> Decimal:
    """Return the quotient to 38 significant digits, half to even."""
    _not_zero(right)
    return QUOTIENT.divide(exact(left), exact(right))


def modulo(left: Any, right: Any) -> Decimal:
    """Return the exact remainder, with the sign of ``left``."""
    _not_zero(right)
    return EXACT.remainder(exact(left), exact(right))


def total(numbers: Sequence[Any]) -> Number:
    """Return the exact sum of ``numbers``; 0 for none."""
    result = Decimal(0)
    for number in numbers:
        result = EXACT.add(result, exact(number))
    return result


def average(numbers: Sequence[Any]) -> Decimal | None:
    """Return the mean to 38 significant digits, half to even; null for no numbers."""
    return QUOTIENT.divide(exact(total(numbers)), Decimal(len(numbers))) if numbers else None


def ceiling(value: Any) -> int:
    """Return the smallest whole number not below ``value``."""
    return math.ceil(_written_out(value))


def floor(value: Any) -> int:
    """Return the greatest whole number not above ``value``."""
    return math.floor(_written_out(value))


def round_(value: Any, places: Any = 0) -> Decimal:
    """Return ``value`` with ``places`` digits behind the point, half to even."""
    digits = whole_number(places, "round()'s places", least=0)
    if digits > _MAX_PLACES:
        refuse_value(f"round()'s places must not be above {_MAX_PLACES}")
    return ROUNDED.quantize(_written_out(value), Decimal(1).scaleb(-digits))


def format_number(value: Any, places: Any, width: Any = 0) -> str:
    """Return ``value`` rounded to ``places``, all of them written, and zeros in front to ``width``.

    A minus sign goes before the zeros and counts as one of the characters.
    """
    columns = whole_number(width, "format_number()'s width", least=0)
    check_length(columns)
    rounded = round_(value, places)
    return format(rounded or rounded.copy_abs(), "f").zfill(columns)


def to_number(value: Any) -> Any:
    """Return a number as it is, the number that text writes, and null for all else."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    number = Decimal(value)
    # The interpreter's own limit on the digits of an int does not bear on Decimal.
    return _written_out(number)


def number_json(value: Any) -> str:
    """Return a number as JSON writes it, without an exponent."""
    return number_text(_written_out(value))


def _written_out(value: Any) -> Decimal:
    """Return ``value``, provided its digits can be written out within reason."""
    number = exact(value)
    if number and abs(number.adjusted()) > MAX_WORKING_EXPONENT:
        refuse_value("the number is too large or too small to work with")
    return number or Decimal(0)


def _not_zero(divisor: Any) -> None:
    if divisor == 0:
        refuse_value("division by zero")
