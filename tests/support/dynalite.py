"""Starts dynalite, a second DynamoDB to check our expectations with. It does not install it."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.patience import PATIENCE_SECONDS
from support.required import missing

ROOT = Path(__file__).resolve().parents[2]


def dynalite_command() -> str:
    """Return the program, from RETABLE_DYNALITE, the checkout's node_modules or the PATH.

    Where there is none, the test that asks is skipped, or fails in CI.
    """
    named = os.environ.get("RETABLE_DYNALITE")
    local = ROOT / "node_modules" / ".bin" / "dynalite"
    command = named or (str(local) if local.exists() else shutil.which("dynalite"))
    return command or missing("dynalite", "npm install dynalite@4.0.0 and set RETABLE_DYNALITE")


@contextmanager
def running_dynalite(command: str) -> Iterator[str]:
    """Yield the address of a dynalite that is stopped at the end."""
    port = _free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port)]
    instant = ["--createTableMs", "0", "--deleteTableMs", "0", "--updateTableMs", "0"]
    process = subprocess.Popen(  # noqa: S603 -- the program a developer installed for this
        [command, *arguments, *instant], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _await_port(process, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    message = "dynalite did not start"
    raise RuntimeError(message)
