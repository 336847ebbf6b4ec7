"""The rate is that of late, and the time left is said only when it means something."""

from datetime import UTC, datetime

import pytest

from retable.runner.report.model import Scalar
from retable.runner.report.progress_rate import Meter
from retable.runner.text.figures import amount, duration, number, plural, scalar


class Ticks:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, tz=UTC)

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def test_no_time_left_is_told_before_one_part_in_a_hundred() -> None:
    clock = Ticks()
    meter = Meter(clock)
    meter.reading(0, 1_000, "items")
    clock.sleep(1)
    assert meter.reading(9, 1_000, "items") == "9 of 1,000 items · 0 % · 9 items/s"
    clock.sleep(1)
    assert "left" in meter.reading(18, 1_000, "items")


def test_what_a_resumed_step_did_before_is_not_speed() -> None:
    clock = Ticks()
    meter = Meter(clock)
    assert meter.reading(900, 1_000, "items") == "900 of 1,000 items · 90 %"
    clock.sleep(10)
    assert meter.reading(910, 1_000, "items").endswith("1 items/s · 1 m 30 s left")


def test_the_rate_forgets_what_is_over_half_a_minute_ago() -> None:
    clock = Ticks()
    meter = Meter(clock)
    done = 0
    for speed in [1_000] * 60 + [10] * 60:
        meter.reading(done, None, "items")
        clock.sleep(1)
        done += speed
    assert "· 10 items/s" in meter.reading(done, None, "items")


def test_seconds_have_no_rate() -> None:
    clock = Ticks()
    meter = Meter(clock)
    meter.reading(0, 300, "s")
    clock.sleep(30)
    assert meter.reading(30, 300, "s") == "30 of 300 s · 10 % · 4 m 30 s left"


def test_bytes_are_told_in_the_unit_that_suits() -> None:
    meter = Meter(Ticks())
    assert meter.reading(1_572_864, 3_221_225_472, "bytes") == "1.5 MB of 3.0 GB · 0 %"


def test_nothing_to_do_divides_by_nothing() -> None:
    clock = Ticks()
    meter = Meter(clock)
    meter.reading(0, 0, "items")
    clock.sleep(1)
    assert meter.reading(0, 0, "items") == "0 of 0 items"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.04, "0.0 s"),
        (0.4, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m"),
        (1_860, "31 m"),
        (1_865, "31 m 5 s"),
        (10_440, "2 h 54 m"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(41_871_106, "41,871,106"), (None, "-"), (True, "yes"), (False, "no"), ("1e3", "1e3")],
)
def test_a_value_of_a_report_is_written_for_people(value: Scalar, text: str) -> None:
    assert scalar(value) == text


def test_numbers_have_thousands_separators() -> None:
    assert number(10**39) == "1" + ",000" * 13
    assert amount(12_345, "items") == "12,345 items"
    assert (plural(1, "file"), plural(2_000, "file")) == ("1 file", "2,000 files")
