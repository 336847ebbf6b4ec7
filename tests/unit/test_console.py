"""Progress: lines in a log, a bar on a terminal, and never a failure of its own."""

import io
import re
from datetime import UTC, datetime

import pytest

from retable.runner.progress import Progress
from retable.runner.report.console import (
    HeartbeatProgress,
    LiveProgress,
    QuietProgress,
    progress_for,
)


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, tz=UTC)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def heartbeat() -> tuple[HeartbeatProgress, HandClock, io.StringIO]:
    stream, clock = io.StringIO(), HandClock()
    progress = progress_for(stream, {}, clock=clock)
    assert isinstance(progress, HeartbeatProgress)
    return progress, clock, stream


def test_a_log_gets_a_line_as_a_step_begins_and_one_as_it_ends() -> None:
    progress, clock, stream = heartbeat()
    with progress:
        progress.start("load", "load items into orders")
        clock.sleep(12)
        progress.finish("done")
    assert stream.getvalue() == "load items into orders\n  done, 12 s\n"


def test_a_step_that_is_done_at_once_takes_one_line() -> None:
    progress, _, stream = heartbeat()
    progress.start("approve", "approve the plan")
    progress.finish("done")
    assert stream.getvalue() == "approve the plan\n"


@pytest.mark.parametrize("outcome", ["failed", "stopped", "done before"])
def test_another_end_than_done_is_always_told(outcome: str) -> None:
    progress, _, stream = heartbeat()
    progress.start("load", "load")
    progress.finish(outcome)
    assert stream.getvalue() == f"load\n  {outcome}, 0.0 s\n"


def test_a_heartbeat_comes_every_ten_seconds_with_rate_and_time_left() -> None:
    progress, clock, stream = heartbeat()
    progress.start("load", "load")
    for second in range(25):
        progress.advance(second * 1_000, 100_000, "items")
        clock.sleep(1)
    assert stream.getvalue().splitlines() == [
        "load",
        "  10,000 of 100,000 items · 10 % · 1,000 items/s · 1 m 30 s left",
        "  20,000 of 100,000 items · 20 % · 1,000 items/s · 1 m 20 s left",
    ]


def test_a_note_that_only_counts_on_is_said_again_as_a_heartbeat() -> None:
    progress, clock, stream = heartbeat()
    progress.start("settle", "settle")
    for second in range(25):
        progress.note(f"settling: {second} of 300 s")
        clock.sleep(1)
    progress.note("something else")
    assert stream.getvalue().splitlines() == [
        "settle",
        "  settling: 0 of 300 s",
        "  settling: 10 of 300 s",
        "  settling: 20 of 300 s",
        "  something else",
    ]


def test_a_terminal_gets_a_bar_and_a_line_for_each_step_that_ended() -> None:
    stream, clock = Terminal(), HandClock()
    with progress_for(stream, {"TERM": "xterm", "COLUMNS": "120"}, clock=clock) as progress:
        assert isinstance(progress, LiveProgress)
        progress.start("load", "load [bold]items[/bold] {x} \x1b[2J")
        progress.advance(0, 1_000, "items")
        clock.sleep(5)
        progress.advance(500, 1_000, "items")
        progress.note("throttled by the table")
        progress.finish("done")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "500 of 1,000 items · 50 % · 100 items/s · 5.0 s left" in shown
    assert "throttled by the table" in shown
    assert r"✓ load [bold]items[/bold] {x} \x1b[2J  5.0 s" in shown
    assert "\x1b[2J" not in stream.getvalue()


def test_a_step_that_tells_nothing_leaves_the_terminal_to_its_question() -> None:
    stream = Terminal()
    with progress_for(stream, {"TERM": "xterm"}, clock=HandClock()) as progress:
        progress.start("approve", "approve the plan")
        assert stream.getvalue() == ""
        progress.finish("done")


def test_each_step_has_a_bar_of_its_own() -> None:
    stream = Terminal()
    with progress_for(stream, {"TERM": "xterm", "COLUMNS": "90"}, clock=HandClock()) as progress:
        for step in ("first step", "second step"):
            progress.start(step, step)
            progress.advance(1, 3, "items")
            assert f"{step} " in stream.getvalue()
            progress.finish("done")


def test_a_bar_is_taken_away_when_the_command_ends_in_the_middle() -> None:
    stream = Terminal()
    with progress_for(stream, {"TERM": "xterm"}, clock=HandClock()) as progress:
        progress.start("load", "load")
        progress.advance(1, 2, "items")
    shows_the_cursor_again = "\x1b[?25h"
    assert shows_the_cursor_again in stream.getvalue()


def test_the_standard_streams_stay_those_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Terminal()
    with progress_for(stream, {"TERM": "xterm"}, clock=HandClock()) as progress:
        progress.start("load", "load")
        progress.advance(1, 2, "items")
        print("a result")  # noqa: T201 -- what another part writes to stdout meanwhile
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environ", "kind"),
    [
        (Terminal(), {"TERM": "xterm"}, LiveProgress),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, HeartbeatProgress),
        (Terminal(), {"TERM": "xterm", "CI": "1", "FORCE_COLOR": "1"}, HeartbeatProgress),
        (Terminal(), {"TERM": "xterm", "CI": "false"}, LiveProgress),
        (Terminal(), {"TERM": "dumb"}, HeartbeatProgress),
        (io.StringIO(), {"TERM": "xterm"}, HeartbeatProgress),
        (io.StringIO(), {"FORCE_COLOR": "1"}, HeartbeatProgress),
    ],
)
def test_animation_is_for_people_only(
    stream: io.StringIO, environ: dict[str, str], kind: type
) -> None:
    assert isinstance(progress_for(stream, environ), kind)


def test_ci_gets_no_cursor_movement_even_when_colour_is_forced() -> None:
    stream, clock = Terminal(), HandClock()
    environ = {"TERM": "xterm", "CI": "1", "FORCE_COLOR": "1"}
    with progress_for(stream, environ, clock=clock) as progress:
        progress.start("load", "load")
        clock.sleep(20)
        progress.advance(1, 2, "items")
        progress.finish("done")
    assert not re.search(r"\x1b\[[0-9;?]*[A-HJKhl]", stream.getvalue())


def test_quiet_says_nothing() -> None:
    stream = Terminal()
    with progress_for(stream, {}, quiet=True) as progress:
        assert isinstance(progress, QuietProgress)
        progress.start("load", "load")
        progress.finish("failed")
    assert stream.getvalue() == ""


class GoneTerminal(Terminal):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError


class GoneLog(io.StringIO):
    def write(self, text: str) -> int:
        del text
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [GoneTerminal(), GoneLog()], ids=["terminal", "log"])
def test_a_reader_that_has_gone_costs_the_lines_and_not_the_run(stream: io.StringIO) -> None:
    with progress_for(stream, {"TERM": "xterm"}, clock=HandClock()) as progress:
        walk_through(progress)


def test_a_closed_stream_costs_the_lines_and_not_the_run() -> None:
    stream = io.StringIO()
    with progress_for(stream, {}, clock=HandClock()) as progress:
        stream.close()
        walk_through(progress)


def walk_through(progress: Progress) -> None:
    for step in ("one", "two"):
        progress.start(step, step)
        progress.advance(1, 2, "items")
        progress.advance(2, None, "bytes")
        progress.note("a note")
        progress.finish("done")
