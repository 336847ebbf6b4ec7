"""Runs one program, and ends it when whoever asked for it is gone.

Started by path, with nothing imported but the standard library. Standard input is a pipe whose
other end the runner holds: it closes when the runner lets go, and just so when the runner is
killed. A program left behind would otherwise go on deploying while a resumed run looks on.
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
"""How long the program has after SIGTERM."""
NOT_STARTED = 127
SIGNALLED = 128
"""What shells add to a signal's number to make an exit code."""


def main(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code."""
    # A handler, unlike ignoring the signal, does not pass on to the program.
    signal.signal(signal.SIGTERM, _do_nothing)
    try:
        child = subprocess.Popen(arguments, stdin=subprocess.DEVNULL)  # noqa: S603 -- its whole use
    except OSError as error:
        sys.stdout.write(f"{arguments[0]}: {error.strerror}\n")
        return NOT_STARTED
    threading.Thread(target=_end_with_runner, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else SIGNALLED - code


def _end_with_runner() -> None:
    """Wait until the runner lets go, then end this whole process group."""
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(0, signal.SIGKILL)


def _do_nothing(number: int, frame: FrameType | None) -> None:
    """Outlive the signal that is meant for the program."""
    del number, frame


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
