"""Runs one program, and ends it when the runner that started it has ended.

Started by path; imports only the standard library. Standard input is a pipe whose
other end the runner holds: it closes when the runner closes it, and also when the runner is
killed. Without the guard, an orphaned program would keep deploying beside a resumed run.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

GRACE_SECONDS = 5.0
"""How long the program may take to end after SIGTERM."""
NOT_STARTED = 127
SIGNALLED = 128
"""The exit code of a signal is this plus its number, as in shells."""


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    # The program inherits an ignored signal, but not a handler.
    signal.signal(signal.SIGTERM, _do_nothing)
    try:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)  # noqa: S603 -- its only purpose
    except OSError as error:
        sys.stdout.write(f"{arguments[0]}: {error.strerror}\n")
        return NOT_STARTED
    threading.Thread(target=_end_with_runner, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else SIGNALLED - code


def _end_with_runner() -> None:
    """Wait until the runner closes the pipe, then end this whole process group."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Survive the signal that is meant for the program."""
    del number, frame


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
