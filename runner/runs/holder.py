"""Identifies the process that holds a run, and finds out whether it has ended.

Only a process on this machine, in the same PID namespace, can be known to have ended. Of any other
process only the heartbeat is known.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
START_FIELD = 19
"""When a process began, counted from the state field of ``/proc/<pid>/stat``; proc(5), field 22."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process on one machine."""

    host: str
    pid: int
    machine: str | None
    """This boot of the machine and its PID namespace; ``None`` if they cannot be identified."""
    started: str | None
    """When the process began, since pids are reused."""


def this_process() -> Process:
    """Return the current process."""
    return Process(
        host=socket.gethostname(),
        pid=os.getpid(),
        machine=_machine(),
        started=_started(os.getpid()),
    )


def has_ended(process: Process) -> bool:
    """Return whether ``process`` is known to have ended; ``False`` if that is unknown."""
    if process.machine is None or process.started is None or process.machine != _machine():
        return False
    return _started(process.pid) != process.started


def _machine() -> str | None:
    """Return an id that no other machine, boot or container shares."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """Return when the process ``pid`` began; ``None`` if there is none, or only a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # The name, in brackets, comes first and may hold anything.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended; its parent has not collected it yet.
    return None if fields[0] in {"Z", "X"} else fields[START_FIELD]
