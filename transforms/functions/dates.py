"""Instants as epoch numbers and as ISO 8601 strings, always with the zone. No clock is read.

Days follow the proleptic Gregorian calendar, years 1 to 9999, without leap seconds, as in POSIX.
"""

import math
import re
from datetime import date
from decimal import Decimal
from typing import Any

from retable.transforms.functions.kinds import refuse_value
from retable.transforms.number import EXACT, exact

_EPOCH = date(1970, 1, 1).toordinal()
_DAY = 86_400
_FIRST = (date.min.toordinal() - _EPOCH) * _DAY
_END = (date.max.toordinal() + 1 - _EPOCH) * _DAY
_DIGITS = {"s": 0, "ms": 3, "us": 6}
_MAX_FRACTION = 30
_MAX_EXPONENT = 18  # microseconds of the year 9999 have 18 digits
_ISO = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]"
    r"(?P<hour>[01][0-9]|2[0-3]):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]{1,30}))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3]):?(?P<minutes>[0-5][0-9]))"
)


def epoch_to_iso(epoch: Any, unit: str = "s") -> str:
    """Return the instant in UTC as ``2026-01-02T08:00:00Z``; ``unit`` is s, ms or us.

    The fraction has 0, 3 or 6 digits by the unit, or more if the number has more.
    """
    digits = _digits(unit)
    seconds = _seconds_of(epoch, unit, "epoch_to_iso()")
    whole = math.floor(seconds)
    fraction = format(EXACT.subtract(seconds, Decimal(whole)), "f").partition(".")[2]
    fraction = fraction.rstrip("0").ljust(digits, "0")
    days, second = divmod(whole, _DAY)
    day = date.fromordinal(_EPOCH + days).isoformat()
    clock = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{day}T{clock}{'.' if fraction else ''}{fraction}Z"


def iso_to_epoch(text: str, unit: str = "s") -> Decimal:
    """Return the number of units (s, ms or us) from 1970-01-01T00:00:00Z to the instant."""
    found = _ISO.fullmatch(text)
    if found is None:
        message = "iso_to_epoch() needs a date and a time with a zone, such as 2026-01-02T08:00:00Z"
        refuse_value(message)
    day = _day(found["day"])
    if day is None:
        refuse_value("iso_to_epoch() was given a day that does not exist")
    of_day = _seconds(found["hour"], found["minute"]) + int(found["second"] or 0)
    offset = _seconds(found["hours"] or "0", found["minutes"] or "0")
    whole = (
        (day.toordinal() - _EPOCH) * _DAY + of_day - (-offset if found["sign"] == "-" else offset)
    )
    seconds = EXACT.add(Decimal(whole), Decimal(f"0.{found['fraction'] or 0}"))
    return seconds_as(seconds, unit)


def instant_of(epoch: Any, unit: str, function: str) -> tuple[int, int]:
    """Return the whole seconds and the microseconds, cut off, of an instant.

    Raises:
        ExpressionError: it is not an instant in the years 1 to 9999.
    """
    seconds = _seconds_of(epoch, unit, function)
    whole = math.floor(seconds)
    return whole, math.floor(EXACT.scaleb(EXACT.subtract(seconds, Decimal(whole)), 6))


def seconds_as(seconds: Decimal, unit: str) -> Decimal:
    """Return ``seconds`` in a unit: s, ms or us."""
    return EXACT.scaleb(seconds, _digits(unit)).normalize(EXACT)


def _seconds_of(epoch: Any, unit: str, function: str) -> Decimal:
    digits = _digits(unit)
    number = exact(epoch)
    if number and not -_MAX_FRACTION <= number.adjusted() <= _MAX_EXPONENT:
        refuse_value(f"{function} was given a number that is not an instant")
    seconds = EXACT.scaleb(number, -digits)
    if not _FIRST <= math.floor(seconds) < _END:
        refuse_value(f"{function} supports the years 1 to 9999")
    return seconds


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _seconds(hours: str, minutes: str) -> int:
    return int(hours) * 3600 + int(minutes) * 60


def _digits(unit: str) -> int:
    digits = _DIGITS.get(unit)
    if digits is None:
        refuse_value("the unit must be s, ms or us")
    return digits
