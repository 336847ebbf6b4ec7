"""Durations as specs write them: a whole number and one unit. Nothing here reads a clock."""

import re

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_SECONDS = 3650 * SECONDS["d"]
"""Ten years: more is a typo."""
_DURATION = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)


def parse_duration(text: str) -> int:
    """Return the seconds of ``text``, such as ``7d``, ``5m``, ``90s`` or ``2h``.

    Raises:
        ValueError: ``text`` is not a duration, or is longer than ten years.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        message = "a duration is a whole number and one of s, m, h, d, such as 90s or 7d"
        raise ValueError(message)
    seconds = int(match[1]) * SECONDS[match[2]]
    if seconds > MAX_SECONDS:
        message = "a duration is at most 3650d"
        raise ValueError(message)
    return seconds
