"""Which process holds a run, and whether it is known to have ended.

Only a process of this machine, seen from where this one is, can be known to have ended. Of any
other one nothing is known but its heartbeat.
"""

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
START_FIELD = 19
"""When a process began, counted from its state on in ``/proc/<pid>/stat``; proc(5), field 22."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process on one machine."""

    host: str
    pid: int
    machine: str | None
    """This boot of the machine and its table of processes; ``None`` where it has no name."""
    started: str | None
    """When the process began, for a number is given again."""


def this_process() -> Process:
    """Return the process that asks."""
    return Process(
        host=socket.gethostname(),
        pid=os.getpid(),
        machine=_machine(),
        started=_started(os.getpid()),
    )


def has_ended(process: Process) -> bool:
    """Return whether ``process`` is known to have ended; ``False`` where that cannot be known."""
    if process.machine is None or process.started is None or process.machine != _machine():
        return False
    return _started(process.pid) != process.started


def _machine() -> str | None:
    """Return what no other machine, boot or container has."""
    try:
        boot = (PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{(PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return None


def _started(pid: int) -> str | None:
    """Return when the process ``pid`` began; ``None`` where there is none, or only its remains."""
    try:
        stat = (PROC / str(pid) / "stat").read_text("utf-8", "replace")
    except OSError:
        return None
    # A name in brackets comes first, and may hold anything.
    fields = stat.rpartition(")")[2].split()
    # A zombie has ended; its parent has not looked yet.
    return None if fields[0] in {"Z", "X"} else fields[START_FIELD]
