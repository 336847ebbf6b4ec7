"""Runs a program with bounded, logged output, a time limit, and a guaranteed end.

No shell is involved. Its output goes to a log in the run folder, without the secrets of the
environment; the last few lines are kept for messages.
"""

import os
import re
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from retable.runner.cdk import process_guard
from retable.runner.clock import Clock
from retable.runner.disk import not_written
from retable.runner.failure import Stopped

MAX_LOG_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 8 * 1024
LINES_KEPT = 40
READ_BYTES = 64 * 1024
TICK_SECONDS = 0.25
"""How often ``tick`` is called while the program prints nothing."""
LINGER_SECONDS = process_guard.GRACE_SECONDS + 5
SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
SHORTEST_SECRET = 8
"""Shorter values are placeholders; removing them would only garble the output."""
ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
CUT = "… truncated\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A program to run."""

    arguments: tuple[str, ...]
    folder: Path
    """Its working directory."""
    environ: Mapping[str, str]
    log: Path
    seconds: float
    """Its time limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The result of a program."""

    code: int
    lines: tuple[str, ...]
    """The last lines it printed, without secrets."""


def run(
    order: Order, clock: Clock, *, tick: Callable[[], None], said: Callable[[str], None]
) -> Ended:
    """Run a program to its end; ``tick`` is called at intervals, ``said`` with every line.

    Whatever ends the wait early, such as an interrupt, also ends the program and everything it
    started.

    Raises:
        Stopped: it takes too long, or its log cannot be written.
    """
    with _Log(order) as log, _started(order) as process:
        end = clock.monotonic() + order.seconds
        for line in _lines(process):
            if line:
                said(log.write(line))
            tick()
            if clock.monotonic() >= end:
                message = f"{order.arguments[0]} did not end within {order.seconds:,.0f} s"
                raise Stopped(message, f"its output is in {order.log}")
        return Ended(code=process.wait(), lines=tuple(log.last))


@contextmanager
def _started(order: Order) -> Iterator[subprocess.Popen[bytes]]:
    """Start the program below its guard; at the end release the guard, which ends both."""
    command = [sys.executable, "-I", str(Path(process_guard.__file__)), *order.arguments]
    process = subprocess.Popen(  # noqa: S603 -- a list of arguments, and no shell
        command,
        cwd=order.folder,
        env=dict(order.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Release the guard and make sure that everything ends."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(LINGER_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    finally:
        if process.stdout is not None:
            process.stdout.close()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield the program's output line by line, and an empty string while it prints nothing."""
    assert process.stdout is not None  # noqa: S101 -- opened as a pipe above
    source = process.stdout.fileno()
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(source, selectors.EVENT_READ)
        while True:
            if not selector.select(TICK_SECONDS):
                if process.poll() is not None:
                    break  # something that it left running still holds the pipe
                yield ""
                continue
            chunk = os.read(source, READ_BYTES)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield _text(line)
            while len(rest) > MAX_LINE_BYTES:
                yield _text(rest[:MAX_LINE_BYTES])
                rest = rest[MAX_LINE_BYTES:]
    if rest:
        yield _text(rest)
    # It may have closed its output and still run.
    while process.poll() is None:
        yield ""
        with suppress(subprocess.TimeoutExpired):
            process.wait(TICK_SECONDS)


def _text(line: bytes) -> str:
    """Return a line without colours."""
    return ANSI.sub("", line[:MAX_LINE_BYTES].decode("utf-8", "replace")).rstrip()


class _Log:
    """The bounded log file of a program's output, and its last lines."""

    def __init__(self, order: Order) -> None:
        self._path = order.log
        self._secrets = [
            value
            for name in SECRET_VARIABLES
            if len(value := order.environ.get(name, "")) >= SHORTEST_SECRET
        ]
        self._left = MAX_LOG_BYTES
        self._file: IO[str] | None = None
        self.last: deque[str] = deque(maxlen=LINES_KEPT)

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise not_written(error, self._path) from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, line: str) -> str:
        """Keep a line and return it without secrets."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        self.last.append(line)
        if self._file is not None and self._left > 0:
            self._left -= len(line.encode()) + 1
            try:
                self._file.write(f"{line}\n" if self._left > 0 else CUT)
                self._file.flush()
            except OSError as error:
                raise not_written(error, self._path) from error
        return line
