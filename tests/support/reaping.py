"""Takes leave of children that end at any time, so that none stays a zombie.

To ignore SIGCHLD would do as well, but then nobody's account had the time that they used.
"""

import os
import signal
from typing import Any


def reap_children() -> None:
    """Wait for every child of this process as soon as it has ended."""
    signal.signal(signal.SIGCHLD, _reap)


def _reap(*_: Any) -> None:
    """Wait for all that have ended; several may go by one signal."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
