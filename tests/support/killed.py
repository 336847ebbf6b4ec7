"""Runs ``migrate`` in forked children of one small process, which stop or die at points of the run.

The process imports everything once and connects to nothing, so that a child starts at once and
carries neither threads nor sockets. Each connection to it is one run; what the child does at which
point is decided in ``support.points``.
"""

import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.loaders import JSONFileLoader

from retable.runner.cli import main
from retable.runner.failure import Refused
from retable.runner.plan.encoding import read_plan
from support.command import clean_environment
from support.points import Point, Points
from support.reaping import reap_children

IMPORTS = (
    "boto3.s3.inject",
    "duckdb",
    "httptools",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "retable.runner.cli.options",
    "retable.runner.cli.restore",
    "retable.runner.cli.run",
    "retable.runner.commands.restore",
    "retable.runner.commands.resume",
    "retable.runner.commands.run",
    "retable.runner.report.formats",
    "retable.runner.report.html",
    "retable.schema.conforms",
    "retable.schema.parse",
    "retable.schema.validate",
)
SERVICES = ("application-autoscaling", "cloudformation", "dynamodb", "s3", "sts")
KILLED = -signal.SIGKILL
OUTPUT = "output.txt"
"""What a run prints goes there, in the folder that it runs in."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One run: the command's arguments, where, and what happens at its points."""

    arguments: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    places: Sequence[str] = ()
    """Functions whose first call is a point too, as ``support.points`` names them."""
    kill_at: int | None = None
    stands: bool = False
    """Whether the process stops at every point, as SIGSTOP stops one, until it is let go on."""


@dataclass(frozen=True)
class Finished:
    """How a run ended: its exit code, -9 where it was killed, and the last point it passed."""

    code: int
    last: Point


class KilledRuns:
    """A process that runs ``migrate`` again and again, stops it and kills it where it is told."""

    def __init__(self) -> None:
        """Start the process."""
        with socket.socket(socket.AF_UNIX) as listener:
            self._folder = tempfile.TemporaryDirectory(prefix="killed-")
            self._address = str(Path(self._folder.name) / "runs")
            listener.bind(self._address)
            listener.listen()
            self._process = subprocess.Popen(  # noqa: S603 -- this very module
                [sys.executable, "-m", "support.killed", str(listener.fileno())],
                cwd=Path(__file__).parents[1],
                env=clean_environment(),
                stdin=subprocess.PIPE,
                pass_fds=[listener.fileno()],
            )

    def stops(self, order: Order) -> Generator[Point, None, Finished]:
        """Yield each point at which the run stands still, and let it go on after.

        Return how it ended. A run whose points are not asked for any more is killed.
        """
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._address)
            with connection.makefile("rw", encoding="utf-8") as stream:
                told = asdict(order)
                while True:
                    stream.write(json.dumps(told) + "\n")
                    stream.flush()
                    told = json.loads(stream.readline())
                    point = Point(**told["point"])
                    if told["code"] is not None:
                        return Finished(told["code"], point)
                    yield point
                    told = {}

    def run(self, order: Order) -> Finished:
        """Run without standing still."""
        run = self.stops(order)
        try:
            point = next(run)
        except StopIteration as ended:
            finished: Finished = ended.value
            return finished
        message = f"the run stands still at {point}"
        raise AssertionError(message)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._folder.cleanup()


def serve(listener: socket.socket) -> None:
    """Fork for every connection until the test closes stdin."""
    _load()
    # What is imported is never garbage for a child, which need not look for any in it.
    gc.freeze()
    reap_children()
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _answer(connection)
            os._exit(0)
        connection.close()


def _load() -> None:
    """Import and make what takes a good part of a short run, and is the same for all of them."""
    for name in IMPORTS:
        importlib.import_module(name)
    read = functools.cache(functools.partial(JSONFileLoader.load_file, JSONFileLoader()))

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        del self
        return read(file_path)

    JSONFileLoader.load_file = load_file  # type: ignore[method-assign]  # for children to find read
    session: Any = boto3.Session(region_name="eu-west-1")
    for service in SERVICES:
        session.client(service).close()
    with tempfile.NamedTemporaryFile() as file, suppress(Refused):
        # It is no plan, which is found out with the same converter that reads one.
        Path(file.name).write_bytes(b'{"fingerprint": ""}')
        read_plan(Path(file.name))


def _answer(connection: socket.socket) -> None:
    """Run one order in a child, and say where that stands still and how it ends."""
    stream = connection.makefile("rw", encoding="utf-8")
    order = Order(**json.loads(stream.readline()))
    points = Points(order.kill_at, stands=order.stands)
    child = os.fork()
    if child == 0:
        stream.close()
        connection.close()
        _run(order, points)
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        code = None if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        stream.write(json.dumps({"code": code, "point": asdict(points.last)}) + "\n")
        stream.flush()
        if code is not None:
            return
        if not stream.readline():
            # Nobody asks any more.
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return
        os.kill(child, signal.SIGCONT)


def _run(order: Order, points: Points) -> None:
    """Run the command in this forked child and never return."""
    # Whoever starts the suite in the background has SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(order.cwd)
    os.environ.update(order.env)
    log = os.open(OUTPUT, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    points.arm(order.places)
    code: Any = 1
    try:
        main(order.arguments)
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
