"""The real CDK: synthesises the sample app's states once, and runs the CLI against a sandbox."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from retable.runner.sandbox.sandbox_options import ACCOUNT, DEFAULT_REGION
from retable.runner.sandbox.server import SandboxServer
from support.checkout import ROOT
from support.command import Ended, clean_environment
from support.patience import PATIENCE_SECONDS
from support.required import missing

INFRA = ROOT / "specs" / "cdk-orders" / "infra"
QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    "JSII_SILENCE_WARNING_DEPRECATED_NODE_VERSION": "1",
    "NODE_NO_WARNINGS": "1",
}
# One process for all, since starting CDK costs more than using it.
SYNTH = """
import json, sys
import aws_cdk as cdk
from orders_stack import OrdersStack

for folder, context in json.loads(sys.argv[1]).items():
    bootstrapped = context.pop("bootstrapped", None)
    synthesizer = cdk.DefaultStackSynthesizer() if bootstrapped else cdk.LegacyStackSynthesizer()
    app = cdk.App(context=context, outdir=folder)
    OrdersStack(app, "OrdersStack", synthesizer=synthesizer)
    app.synth()
"""


def cdk_command() -> str | None:
    """Return the CLI, from RETABLE_CDK, the checkout's node_modules or the PATH."""
    named = os.environ.get("RETABLE_CDK")
    local = ROOT / "node_modules" / ".bin" / "cdk"
    if named:
        return named
    return str(local) if local.exists() else shutil.which("cdk")


def require_cdk() -> None:
    """Skip the test where CDK is not there; fail it in CI."""
    if cdk_command() is None:
        missing("cdk", "set RETABLE_CDK, or npm install aws-cdk@2.1148.1")
    if importlib.util.find_spec("aws_cdk") is None:
        missing("aws-cdk-lib", "pip install aws-cdk-lib")


def with_cdk() -> dict[str, str]:
    """Return the PATH on which the CLI is found, and the Python that has the app's library."""
    command = cdk_command()
    found = [Path(sys.executable).parent, *([Path(command).parent] if command else [])]
    return {"PATH": ":".join([*map(str, found), os.environ.get("PATH", "")])}


def synthesise(folder: Path, states: Mapping[str, Mapping[str, str]]) -> None:
    """Write the assembly of each state, by its name, below ``folder``."""
    wanted = {str(folder / name): context for name, context in states.items()}
    subprocess.run(  # noqa: S603 -- our own app
        [sys.executable, "-c", SYNTH, json.dumps(wanted)],
        cwd=INFRA,
        env=clean_environment({**QUIET, "PYTHONDONTWRITEBYTECODE": "1"}),
        check=True,
        capture_output=True,
        timeout=PATIENCE_SECONDS,
    )


def run_cdk(server: SandboxServer, folder: Path, *arguments: str) -> Ended:
    """Run the CLI and return how it ended; ``folder`` is where it works."""
    with started_cdk(server, folder, *arguments) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    return Ended(process.returncode, out, err, folder)


@contextmanager
def started_cdk(
    server: SandboxServer, folder: Path, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Yield the running CLI; it is killed if it still runs at the end."""
    command = cdk_command()
    assert command is not None
    extra = {
        **QUIET,
        **server.environment(),
        "CDK_DEFAULT_ACCOUNT": ACCOUNT,
        "CDK_DEFAULT_REGION": DEFAULT_REGION,
        "HOME": str(folder),
    }
    environ = clean_environment(extra)
    environ.pop("CI", None)  # where it is set, all that the CLI says goes to stdout
    with subprocess.Popen(  # noqa: S603 -- the program a developer installed for this
        [command, *arguments, "--no-notices", "--no-color"],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
