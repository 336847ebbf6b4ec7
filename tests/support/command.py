"""Runs the installed ``migrate`` command, and keeps a standing sandbox for it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.patience import PATIENCE_SECONDS

MIGRATE = Path(sys.executable).with_name("migrate")
SPECS = Path(__file__).resolve().parents[2] / "specs"


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def report(self) -> dict[str, Any]:
        """Return the report of the newest run in the command's folder."""
        runs = sorted(self.folder.glob(".migrate/*/report.json"), key=lambda p: p.stat().st_mtime)
        report: dict[str, Any] = json.loads(runs[-1].read_bytes())
        return report


def clean_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without any AWS setting, plus ``extra``."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**own, "AWS_EC2_METADATA_DISABLED": "true", "COLUMNS": "200", **(extra or {})}


def migrate(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> Ended:
    """Run ``migrate`` with ``arguments`` in ``cwd`` and return how it ended."""
    done = subprocess.run(  # noqa: S603 -- our own command
        [str(MIGRATE), *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(done.returncode, done.stdout, done.stderr, cwd)


def free_port() -> int:
    """Return a loopback port that is free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def standing_sandbox(
    spec: Path, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[dict[str, str]]:
    """Serve ``migrate sandbox`` for ``spec`` and yield the environment that leads to it."""
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [str(MIGRATE), "sandbox", str(spec), "--port", str(port), *options],
        env=clean_environment(env),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        await_port(process, port)
        yield {
            "AWS_ENDPOINT_URL": f"http://localhost:{port}",
            "AWS_ACCESS_KEY_ID": "RUNNER",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-west-1",
        }
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_SECONDS)


def await_port(process: "subprocess.Popen[str]", port: int) -> None:
    """Wait until ``process`` listens on ``port``."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, "the sandbox ended early"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = "the sandbox did not open its port"
    raise AssertionError(message)
