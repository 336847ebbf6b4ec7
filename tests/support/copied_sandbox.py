"""A sandbox that makes copies of itself, so that what is seeded once serves many killed runs.

A copy is a fork of the process that serves it: it holds all that the sandbox held when no request
was under way, and shares nothing with it from then on. It goes by a port of its own.
"""

import gc
import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from retable.runner.sandbox.app import Sandbox
from retable.runner.sandbox.listener import Listener
from retable.runner.sandbox.sandbox_options import SandboxOptions
from support.command import clean_environment
from support.patience import PATIENCE_SECONDS
from support.reaping import reap_children

COPY = "/_copy"
CHANGES = "/_changes"
READS = ("BatchGet", "Describe", "Get", "List", "Query", "Scan")
"""How the names of operations begin that change nothing."""
SERVICES = ("application-autoscaling", "cloudformation", "dynamodb", "s3", "sts")
"""What moto takes a second to load when it is first asked for, so that no copy has to."""


@dataclass(frozen=True)
class CopiedSandbox:
    """A sandbox in a process of its own."""

    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        """Return its address."""
        return f"http://localhost:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """Return the environment that leads to it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "RUNNER",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-west-1",
        }

    @property
    def changes(self) -> int:
        """Return how many requests may have changed something in it."""
        return int(self._ask(CHANGES)["changes"])

    @contextmanager
    def copy(self) -> Iterator["CopiedSandbox"]:
        """Yield a copy of it as it is now; the copy ends with the block."""
        copied = CopiedSandbox(**self._ask(COPY))
        try:
            yield copied
        finally:
            os.kill(copied.pid, signal.SIGKILL)

    def load(self) -> None:
        """Have everything loaded that is to be asked for."""
        for service in SERVICES:
            scope = f"RUNNER/20260101/eu-west-1/{service}/aws4_request"
            signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
            # Whatever it says to such a request, it has loaded the service first.
            with suppress(urllib.error.HTTPError):
                self._ask("/", {"Authorization": signed})

    def _ask(self, path: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the answer to a request that changes nothing; ``{}`` where it is no JSON."""
        request = urllib.request.Request(self.endpoint + path, headers=dict(headers or {}))  # noqa: S310 -- loopback
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 -- loopback
            body = answer.read()
        return dict(json.loads(body)) if body.startswith(b"{") else {}


@contextmanager
def copied_sandbox() -> Iterator[CopiedSandbox]:
    """Serve an empty sandbox; all copies of it end with it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "support.copied_sandbox"],
        cwd=Path(__file__).parents[1],
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        sandbox = CopiedSandbox(int(process.stdout.readline()), process.pid)
        sandbox.load()
        yield sandbox


class _Copying:
    """The sandbox's WSGI application, which stands still while it is copied."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._gate = threading.Condition()
        self._under_way = 0
        self._changes = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        own: dict[str, Callable[[], dict[str, int]]] = {
            COPY: self._copy,
            CHANGES: lambda: {"changes": self._changes},
        }
        if answer := own.get(environ["PATH_INFO"]):
            start_response("200 OK", [])
            return [json.dumps(answer()).encode()]
        body = b""
        if length := environ.get("CONTENT_LENGTH"):
            # A client that stands still may have sent half a request, which is not under way yet.
            body = environ["wsgi.input"].read(int(length))
            environ["wsgi.input"] = io.BytesIO(body)
        with self._gate:
            self._under_way += 1
            self._changes += not _only_reads(environ, body)
        try:
            return self._sandbox(environ, start_response)
        finally:
            with self._gate:
                self._under_way -= 1
                self._gate.notify_all()

    def _copy(self) -> dict[str, int]:
        """Fork when nothing is under way, and return where the copy is."""
        reading, writing = os.pipe()
        # Nobody gets through the gate until this has forked.
        with self._gate:
            self._gate.wait_for(lambda: not self._under_way)
            self._await_background()
            # What is there now is never garbage for a copy, which need not look for any in it.
            gc.freeze()
            pid = os.fork()
        if pid == 0:
            self._serve_copy(writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            return {"port": int(answer.read()), "pid": pid}

    def _await_background(self) -> None:
        """Wait for what goes on after its request was answered: a fork leaves threads behind."""
        jobs = [job.thread for job in self._sandbox.state.exports.values()]
        for thread in (*jobs, *self._sandbox.all_stacks.threads):
            if thread is not None:
                thread.join()

    def _serve_copy(self, writing: int) -> None:
        """Serve this copy, in the only thread that it has, until the test lets go of it."""
        _forget_sockets()
        listener = Listener(self, 0)
        os.write(writing, str(listener.port).encode())
        os.close(writing)
        _await_end()


def _only_reads(environ: Mapping[str, Any], body: bytes) -> bool:
    """Return whether a request cannot change anything."""
    if environ["REQUEST_METHOD"] in {"GET", "HEAD"}:
        return True
    _, _, operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")
    if not operation and "urlencoded" in environ.get("CONTENT_TYPE", ""):
        (operation,) = parse_qs(body.decode()).get("Action", [""])
    return str(operation).startswith(READS)


def _forget_sockets() -> None:
    """Let go of every connection of the sandbox that was copied, and of its port.

    Its objects keep their numbers, so something else must lie there for them to close.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208 -- numbers, not paths
        try:
            is_socket = stat.S_ISSOCK(os.fstat(int(entry)).st_mode)
        except OSError:
            # What the list itself was read from.
            continue
        if is_socket:
            os.dup2(null, int(entry))


def _await_end() -> None:
    """Wait until the test closes the one pipe that all copies have as stdin, and never return."""
    os.read(0, 1)
    os._exit(0)


def main() -> None:
    """Serve a sandbox and say on which port."""
    reap_children()
    sandbox = Sandbox(SandboxOptions())
    sandbox.__enter__()  # it is left by the end of the process
    sys.stdout.write(f"{Listener(_Copying(sandbox), 0).port}\n")
    sys.stdout.flush()
    _await_end()


if __name__ == "__main__":
    main()
