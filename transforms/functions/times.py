"""Instants as strings of a given format in a given zone. Reads no clock and no locale.

The rules of named zones come from the package ``tzdata``, so they are the same on every machine.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from retable.transforms.functions.dates import instant_of, seconds_as
from retable.transforms.functions.kinds import refuse_value

Meaning = TypeVar("Meaning")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,2}")
_OFFSET = re.compile(r"([+-])([01][0-9]|2[0-3]):?([0-5][0-9])")
_DIRECTIVE = re.compile(r"%(.?)", re.DOTALL)
_PATTERNS = {
    "Y": r"(?P<Y>[0-9]{4})",
    "m": r"(?P<m>0[1-9]|1[0-2])",
    "d": r"(?P<d>0[1-9]|[12][0-9]|3[01])",
    "j": r"(?P<j>[0-3][0-9]{2})",
    "H": r"(?P<H>[01][0-9]|2[0-3])",
    "M": r"(?P<M>[0-5][0-9])",
    "S": r"(?P<S>[0-5][0-9])",
    "f": r"(?P<f>[0-9]{1,9})",
    "z": r"(?P<z>[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])",
    "%": "%",
}
"""What each directive parses."""
_WRITERS: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04}",
    "m": lambda at: f"{at.month:02}",
    "d": lambda at: f"{at.day:02}",
    "j": lambda at: f"{at.timetuple().tm_yday:03}",
    "H": lambda at: f"{at.hour:02}",
    "M": lambda at: f"{at.minute:02}",
    "S": lambda at: f"{at.second:02}",
    "f": lambda at: f"{at.microsecond:06}",
    "z": lambda at: at.strftime("%z"),
    "%": lambda _: "%",
}
"""What each directive writes."""


def format_time(epoch: Any, form: str, zone: str, unit: str = "s") -> str:
    """Return the instant in the format ``form`` in ``zone``; parts not in ``form`` are cut off.

    ``form`` has ``%Y %m %d %j %H %M %S %f %z %%``; ``zone`` is ``UTC``, ``+01:00`` or a name such
    as ``Europe/Berlin``; ``unit`` is s, ms or us.
    """
    whole, microseconds = instant_of(epoch, unit, "format_time()")
    try:
        at = (_EPOCH + timedelta(seconds=whole, microseconds=microseconds)).astimezone(_zone(zone))
    except OverflowError:
        refuse_value("format_time() supports the years 1 to 9999")
    return _DIRECTIVE.sub(lambda found: _known(found[1], _WRITERS)(at), form)


def parse_time(text: str, form: str, zone: str | None = None, unit: str = "s") -> Decimal:
    """Parse ``text`` by the format ``form`` as an instant, in s, ms or us since 1970.

    The zone is ``%z`` in the text, or an argument; a local time that occurs twice in its zone, or
    never, is refused.
    """
    found = _reader(form).fullmatch(text)
    if found is None:
        refuse_value("parse_time() was given a string that does not match the format")
    parts = found.groupdict()
    place = parts.get("z") or zone
    if place is None or (parts.get("z") and zone):
        refuse_value("parse_time() needs a zone: %z in the format, or the argument")
    fraction = (parts.get("f") or "0").ljust(9, "0")
    local = datetime(  # noqa: DTZ001 -- the zone comes next
        1, 1, 1, int(parts.get("H") or 0), int(parts.get("M") or 0), int(parts.get("S") or 0)
    )
    moment = datetime.combine(_day(parts), local.time())
    seconds = _since_epoch(moment, _zone(place))
    return seconds_as(Decimal(seconds) + Decimal(f"0.{fraction}"), unit)


@lru_cache(256)
def _reader(form: str) -> re.Pattern[str]:
    """Return the pattern that matches the format."""
    pieces, end = [], 0
    for directive in _DIRECTIVE.finditer(form):
        pattern = _known(directive[1], _PATTERNS)
        if directive[1] != "%" and directive[0] in form[: directive.start()]:
            refuse_value("the format has a directive twice")
        pieces += [re.escape(form[end : directive.start()]), pattern]
        end = directive.end()
    return re.compile("".join([*pieces, re.escape(form[end:])]), re.ASCII)


def _known(directive: str, meanings: dict[str, Meaning]) -> Meaning:
    if directive not in meanings:
        refuse_value("a format may contain the directives %Y %m %d %j %H %M %S %f %z and %%")
    return meanings[directive]


def _day(parts: dict[str, str | None]) -> date:
    year, month, day, of_year = (parts.get(name) for name in "Ymdj")
    if year is None or (of_year is None and (month is None or day is None)):
        refuse_value("the format must have %Y, and %m with %d or %j")
    try:
        if of_year is None:
            return date(int(year), int(month or 0), int(day or 0))
        found = date(int(year), 1, 1) + timedelta(days=int(of_year) - 1)
    except (ValueError, OverflowError):
        found = None
    if found is None or found.year != int(year):
        refuse_value("parse_time() was given a day that does not exist")
    return found


def _since_epoch(local: datetime, zone: tzinfo) -> int:
    """Return the whole seconds from 1970 to a local time of ``zone``."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        refuse_value("parse_time() was given a local time that occurs twice or never in its zone")
    offset = first.utcoffset() or timedelta(0)
    return round((local.replace(tzinfo=UTC) - _EPOCH - offset).total_seconds())


@lru_cache(256)
def _zone(name: str) -> tzinfo:
    if name in {"UTC", "Z", "z"}:
        return UTC
    if found := _OFFSET.fullmatch(name):
        minutes = int(found[2]) * 60 + int(found[3])
        return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
    if not _ZONE.fullmatch(name):
        refuse_value("the zone must be UTC, an offset such as +01:00, or a name")
    # Few specs name a zone, and reading their rules takes much to import.
    from importlib.resources import files  # noqa: PLC0415
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
            return ZoneInfo.from_file(rules, name)
    except (OSError, ValueError):
        refuse_value("there is no zone of that name")
