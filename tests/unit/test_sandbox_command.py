"""``migrate sandbox`` opens its port once it is seeded, and stops on a signal."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from support.command import clean_environment
from support.dynamodb_wire import Wire
from support.patience import PATIENCE_SECONDS
from support.sandboxes import count

MIGRATE = Path(sys.executable).with_name("migrate")
SPEC = Path(__file__).resolve().parents[2] / "specs" / "orders.migrate.yaml"
EXPORTED = {
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
}


def test_it_serves_a_full_table_and_ends_with_0_on_sigterm() -> None:
    process = _started("--port", "0")
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in EXPORTED]
        variables = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert set(variables) == EXPORTED
        with Wire(variables["AWS_ENDPOINT_URL"]) as wire:
            assert count(wire) == 120
    finally:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (0, "")
    assert "sandbox: table orders with 120 items\n" in err
    assert "Traceback" not in err


def test_its_port_opens_only_when_the_table_is_full() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = _started("--port", str(port))
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
        with Wire(f"http://localhost:{port}") as wire:
            assert count(wire) == 120
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0


def test_a_taken_port_is_a_usage_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = _started("--port", str(taken.getsockname()[1]))
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out) == (2, "")
    assert "is taken" in err


def _started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 -- our own command
        [MIGRATE, "sandbox", SPEC, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
