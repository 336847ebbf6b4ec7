"""Shows a run's progress: live on a terminal, as plain lines with a heartbeat in a log.

It shows work in progress only; the report shows the outcome.
"""

import contextlib
import re
import threading
from collections.abc import Mapping
from typing import Self, TextIO

from rich.progress import BarColumn, SpinnerColumn, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from retable.runner.clock import Clock, SystemClock
from retable.runner.progress import NoProgress
from retable.runner.report.progress_rate import Meter
from retable.runner.text.escape import terminal_safe
from retable.runner.text.figures import duration
from retable.runner.text.terminal import console_on, in_ci, print_line

HEARTBEAT_SECONDS = 10
REDRAW_SECONDS = 0.1
SHORT_STEP_SECONDS = 1
"""A step that finishes sooner gets no second line in a log."""
UNFAILING = contextlib.suppress(OSError, ValueError)
"""A stream that is closed or full loses the line, but does not stop the run."""
MARKS = {"done": ("✓", "green"), "failed": ("✗", "bold red"), "stopped": ("!", "bold yellow")}


class QuietProgress(NoProgress):
    """Progress that is not shown."""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


class HeartbeatProgress:
    """Plain lines: one as a step begins, one every ten seconds, one as it ends.

    It runs no thread: heartbeats are written when the step reports progress. A note that repeats
    an earlier one, figures aside, is a heartbeat too.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str], clock: Clock) -> None:
        """Write to ``stream``."""
        self._console = console_on(stream, environ)
        self._clock = clock
        self._lock = threading.Lock()
        self._meter = Meter(clock)
        self._last_line = clock.monotonic()
        self._notes: set[str] = set()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing: there is nothing to close."""

    def start(self, step_id: str, title: str) -> None:
        """Write the step's title."""
        del step_id
        with self._lock:
            self._meter = Meter(self._clock)
            self._notes = set()
            self._write(title)

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Write the step's progress, if a heartbeat is due."""
        with self._lock:
            reading = self._meter.reading(done, total, unit)
            if self._is_due():
                self._write(f"  {reading}")

    def note(self, text: str) -> None:
        """Write ``text``; if it repeats an earlier note, only if a heartbeat is due."""
        with self._lock:
            said = _gist(text) in self._notes
            self._notes.add(_gist(text))
            if not said or self._is_due():
                self._write(f"  {text}")

    def finish(self, outcome: str) -> None:
        """Write how the step ended, unless it was done at once."""
        with self._lock:
            elapsed = self._meter.elapsed
            if outcome != "done" or elapsed >= SHORT_STEP_SECONDS:
                self._write(f"  {outcome}, {duration(elapsed)}")

    def _is_due(self) -> bool:
        return self._clock.monotonic() - self._last_line >= HEARTBEAT_SECONDS

    def _write(self, line: str) -> None:
        self._last_line = self._clock.monotonic()
        with UNFAILING:
            print_line(self._console, Text(terminal_safe(line)))


class LiveProgress:
    """A bar for the current step, and a line for each that has ended.

    The bar is drawn from the first ``advance`` or ``note`` until ``finish``, so that a step that
    asks a question has the terminal to itself.
    """

    def __init__(self, stream: TextIO, environ: Mapping[str, str], clock: Clock) -> None:
        """Draw on ``stream``, a terminal."""
        self._console = console_on(stream, environ)
        self._clock = clock
        self._lock = threading.RLock()
        self._meter = Meter(clock)
        self._title = ""
        self._bars: Bars | None = None
        self._task = TaskID(0)
        self._drawn = 0.0
        self._notes: set[str] = set()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the bar, even if a step did not end."""
        with self._lock, UNFAILING:
            self._stop()

    def start(self, step_id: str, title: str) -> None:
        """Begin a step; nothing is drawn yet."""
        del step_id
        with self._lock, UNFAILING:
            self._stop()
            self._meter = Meter(self._clock)
            self._title = terminal_safe(title)
            self._notes = set()

    def advance(self, done: int, total: int | None, unit: str) -> None:
        """Move the bar."""
        with self._lock, UNFAILING:
            reading = self._meter.reading(done, total, unit)
            now = self._clock.monotonic()
            if self._bars is None or done == total or now - self._drawn >= REDRAW_SECONDS:
                self._drawn = now
                bars = self._draw()
                bars.update(self._task, completed=done, total=total, reading=terminal_safe(reading))
                bars.refresh()

    def note(self, text: str) -> None:
        """Print ``text`` above the bar; if it repeats an earlier note, show it beside the bar."""
        with self._lock, UNFAILING:
            shown = terminal_safe(text)
            if _gist(text) not in self._notes:
                self._notes.add(_gist(text))
                print_line(self._console, Text(f"  {shown}", style="dim"))
            bars = self._draw()
            bars.update(self._task, reading=shown)
            bars.refresh()

    def finish(self, outcome: str) -> None:
        """Replace the bar with a line that says how the step ended."""
        with self._lock, UNFAILING:
            self._stop()
            mark, style = MARKS.get(outcome, ("-", "dim"))
            word = "" if outcome == "done" else f"{terminal_safe(outcome)}, "
            line = Text.assemble(
                (f"{mark} ", style),
                self._title,
                (f"  {word}{duration(self._meter.elapsed)}", "dim"),
            )
            print_line(self._console, line)

    def _draw(self) -> Bars:
        if self._bars is None:
            bars = Bars(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=24),
                TextColumn("{task.fields[reading]}", markup=False),
                console=self._console,
                transient=True,
                # Other output belongs to its own streams: stdout stays parseable.
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self._task = bars.add_task(self._title, total=None, reading="")
            bars.start()
            self._bars = bars
        return self._bars

    def _stop(self) -> None:
        # Cleared first: bars that a broken stream stopped halfway cannot be stopped again.
        bars, self._bars = self._bars, None
        if bars is not None:
            bars.stop()


def progress_for(
    stream: TextIO,
    environ: Mapping[str, str],
    *,
    quiet: bool = False,
    clock: Clock | None = None,
) -> QuietProgress | HeartbeatProgress | LiveProgress:
    """Return the progress that suits ``stream``, a context manager.

    Live on a terminal, unless ``CI`` is set or the terminal is dumb; a heartbeat otherwise.
    ``clock`` defaults to the machine's.
    """
    if quiet:
        return QuietProgress()
    is_live = stream.isatty() and not in_ci(environ) and environ.get("TERM") != "dumb"
    kind = LiveProgress if is_live else HeartbeatProgress
    return kind(stream, environ, clock or SystemClock())


def _gist(text: str) -> str:
    """Return what a note says, figures aside: "waited 10 of 300 s" repeats "waited 5 of 300 s"."""
    return re.sub(r"\d+", "#", text)
