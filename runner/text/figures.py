"""Formats figures for people: numbers, durations, sizes, rates. Exact ones stay exact."""

UNKNOWN = "-"
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SHORT_SECONDS = 10
"""Below this many seconds, tenths are worth showing."""
BYTE_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
KILO = 1024
"""DynamoDB's documentation counts 1 KB as 1,024 bytes."""


def number(value: int | None) -> str:
    """Return ``value`` with thousands separators, or a dash if it is not known."""
    return UNKNOWN if value is None else f"{value:,}"


def scalar(value: str | int | bool | None) -> str:  # noqa: FBT001 -- a value, not a switch
    """Return any value of a report as text; a string is returned raw."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return number(value)
    return UNKNOWN if value is None else value


def duration(seconds: float | None) -> str:
    """Return a duration in its two greatest units: ``0.4 s``, ``42 s``, ``31 m``, ``2 h 54 m``."""
    if seconds is None:
        return UNKNOWN
    if seconds < SHORT_SECONDS - 0.05:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _pair(whole, MINUTE, "m", 1, "s")
    if whole < DAY:
        return _pair(whole, HOUR, "h", MINUTE, "m")
    return _pair(whole, DAY, "d", HOUR, "h")


def size(count: float) -> str:
    """Return a number of bytes: ``38.2 KB``."""
    value = float(count)
    for unit in BYTE_UNITS:
        if value < KILO or unit == BYTE_UNITS[-1]:
            break
        value /= KILO
    return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"


def amount(count: float, unit: str) -> str:
    """Return ``count`` of ``unit``: ``12,345 items``, or ``3.1 MB`` if the unit is bytes."""
    return size(count) if unit == "bytes" else f"{round(count):,} {unit}"


def plural(count: int, noun: str) -> str:
    """Return ``1 file``, ``2 files``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _pair(seconds: int, great: int, great_unit: str, small: int, small_unit: str) -> str:
    greater, rest = divmod(seconds, great)
    lesser = rest // small
    return f"{greater} {great_unit} {lesser} {small_unit}" if lesser else f"{greater} {great_unit}"
