"""Runs ``migrate`` in forked children of one small process, each killed at a chosen point.

A point is a moment just before or just after the journal is written: the whole of what a run does
lies between two of them. Or it is the moment at which a function is called. The parent imports
everything once and uses none of it, so that a child starts at once and carries no threads.
"""

import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retable.runner.cli import main
from retable.runner.runs.journal import Journal

IMPORTS = (
    "httptools",
    "boto3",
    "duckdb",
    "pyarrow.parquet",
    "retable.runner.commands.run",
    "retable.runner.commands.resume",
)


class KilledRuns:
    """A process that runs ``migrate`` again and again, and kills it where requested."""

    def __init__(self, env: Mapping[str, str]) -> None:
        """Start the process in the environment ``env``."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.killed"],
            cwd=Path(__file__).parents[1],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, *arguments: str | Path, cwd: Path, kill_at: int | None, kill_in: str | None = None
    ) -> tuple[int, int]:
        """Run ``migrate``; return its exit code (-9 where killed) and how many points it passed.

        ``kill_in`` names a function, ``retable.runner.export.merge_incrementals.note_lines``, as
        its caller knows it.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {
            "arguments": [*map(str, arguments)],
            "cwd": str(cwd),
            "kill_at": kill_at,
            "kill_in": kill_in,
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code, points = json.loads(self._process.stdout.readline())
        return code, points

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()


def serve() -> None:
    """Read orders from stdin and answer each with the code and the points passed."""
    for name in IMPORTS:
        importlib.import_module(name)
    for line in sys.stdin:
        order = json.loads(line)
        tally = Path(order["cwd"]) / "points"
        tally.write_text("0", "ascii")
        child = os.fork()
        if child == 0:
            _child(order, tally)
        _, status = os.waitpid(child, 0)
        answer = (os.waitstatus_to_exitcode(status), int(tally.read_text("ascii")))
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _child(order: dict[str, Any], tally: Path) -> None:
    """Run the command in this forked child and never return."""
    os.chdir(order["cwd"])
    log = os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    _arm(order["kill_at"], tally)
    if order["kill_in"] is not None:
        _mine(order["kill_in"])
    code = 1
    try:
        main(order["arguments"])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _arm(kill_at: int | None, tally: Path) -> None:
    """Make every journal record two points, and die at the one asked for."""
    record = Journal.record
    passed = 0

    def tick() -> None:
        nonlocal passed
        passed += 1
        tally.write_text(str(passed), "ascii")
        if passed == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def fused(self: Journal, step: str, event: str, data: Mapping[str, Any] | None = None) -> None:
        tick()
        record(self, step, event, data)
        tick()

    Journal.record = fused  # type: ignore[method-assign]  # the fuse is what this module is for


def _mine(function: str) -> None:
    """Die as soon as ``function`` is called."""
    where, _, name = function.rpartition(".")
    owner = pkgutil.resolve_name(where)

    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    assert callable(getattr(owner, name))
    setattr(owner, name, die)


if __name__ == "__main__":
    serve()
