"""Text of a format in a zone, there and back; nothing depends on the machine's own zone."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.transforms.functions.kinds import ExpressionError
from retable.transforms.functions.times import format_time, parse_time

FIRST, LAST = -62_135_596_800 + 86_400, 253_402_300_799 - 86_400


@pytest.mark.parametrize(
    ("epoch", "form", "zone", "text"),
    [
        (0, "%Y-%m-%dT%H:%M:%S%z", "UTC", "1970-01-01T00:00:00+0000"),
        (Decimal("0.1234567"), "%S.%f", "UTC", "00.123456"),
        (-1, "%Y %j %H:%M:%S", "UTC", "1969 365 23:59:59"),
        (1767340800, "%d.%m.%Y %H:%M", "Europe/Berlin", "02.01.2026 09:00"),
        (1782979200, "%d.%m.%Y %H:%M %z", "Europe/Berlin", "02.07.2026 10:00 +0200"),
        (1767340800, "%H:%M", "-03:30", "04:30"),
        (0, "100%%", "UTC", "100%"),
    ],
)
def test_an_instant_is_written_in_its_zone(epoch: Any, form: str, zone: str, text: str) -> None:
    assert format_time(epoch, form, zone) == text


@pytest.mark.parametrize(
    ("text", "form", "zone", "unit", "epoch"),
    [
        ("02.01.2026 09:00", "%d.%m.%Y %H:%M", "Europe/Berlin", "s", "1767340800"),
        ("2026-01-02T08:00:00.5Z", "%Y-%m-%dT%H:%M:%S.%f%z", None, "ms", "1767340800500"),
        ("2026-002", "%Y-%j", "UTC", "s", "1767312000"),
        ("20260102 +0130", "%Y%m%d %z", None, "s", "1767306600"),
        ("1970.01(01", "%Y.%m(%d", "UTC", "us", "0"),
    ],
)
def test_text_is_read_as_its_format_says(
    text: str, form: str, zone: str | None, unit: str, epoch: str
) -> None:
    assert parse_time(text, form, zone, unit) == Decimal(epoch)


@pytest.mark.parametrize(
    ("text", "form", "zone", "words"),
    [
        ("2026-01-02", "%Y-%m-%d", None, "parse_time() needs a zone"),
        ("2026-01-02Z", "%Y-%m-%d%z", "UTC", "parse_time() needs a zone"),
        ("2026-02-30", "%Y-%m-%d", "UTC", "a day that does not exist"),
        ("2025-366", "%Y-%j", "UTC", "a day that does not exist"),
        ("2026-01-02", "%Y-%m", "UTC", "does not match the format"),
        ("2026-01", "%Y-%m", "UTC", "must have %Y, and %m with %d or %j"),
        ("x", "%Q", "UTC", "a format may contain the directives"),
        ("x", "%", "UTC", "a format may contain the directives"),
        ("20262026", "%Y%Y", "UTC", "a directive twice"),
        ("٢٠٢٦-01-02", "%Y-%m-%d", "UTC", "does not match the format"),
        ("2026-03-29 02:30", "%Y-%m-%d %H:%M", "Europe/Berlin", "twice or never"),
        ("2026-10-25 02:30", "%Y-%m-%d %H:%M", "Europe/Berlin", "twice or never"),
        ("2026-01-02", "%Y-%m-%d", "Europe/Nowhere", "there is no zone of that name"),
        ("2026-01-02", "%Y-%m-%d", "../../etc/passwd", "the zone must be UTC"),
        ("2026-01-02", "%Y-%m-%d", "Europe", "there is no zone of that name"),
        ("2026-01-02", "%Y-%m-%d", "tzdata.zi", "the zone must be UTC"),
    ],
)
def test_what_cannot_be_an_instant_is_refused(
    text: str, form: str, zone: str | None, words: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_time(text, form, zone)
    assert words in caught.value.message


def test_years_beyond_the_calendar_are_refused() -> None:
    for epoch in (10**18, -(10**18), 253_402_300_799):
        with pytest.raises(ExpressionError):
            format_time(epoch, "%Y", "+14:00")


@given(st.integers(FIRST, LAST), st.sampled_from(["UTC", "+05:30", "-11:00"]))
def test_what_is_written_with_all_its_parts_is_read_as_it_was(epoch: int, zone: str) -> None:
    form = "%Y-%m-%dT%H:%M:%S.%f"
    assert parse_time(format_time(epoch, form, zone), form, zone) == epoch
    assert parse_time(format_time(epoch, form + "%z", zone), form + "%z") == epoch
