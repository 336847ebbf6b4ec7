"""A stand-in for the CDK command line: it notes how it was called, and ends as a test wants it to.

The tests that need the real one look for it here as well.
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retable.runner.cdk.cdk_cli import Cdk, cdk_environment, open_cdk
from retable.runner.clock import Clock, SystemClock

PROGRAM = """#!{python}
import json, os, shutil, subprocess, sys, time
from pathlib import Path
here = Path(__file__).parent
wanted = json.loads((here / "wanted.json").read_text())
arguments = sys.argv[1:]
with (here / "calls.jsonl").open("a") as calls:
    call = {{"arguments": arguments, "folder": os.getcwd(), "environ": dict(os.environ)}}
    calls.write(json.dumps(call) + "\\n")
if arguments == ["--version"]:
    print(wanted.get("version", "2.1148.1 (build fcf5e34)"))
    sys.exit(wanted.get("version_exit", 0))
for line in wanted.get("say", []):
    print(line.replace("SECRET", os.environ.get("AWS_SECRET_ACCESS_KEY", "none")), flush=True)
if "assembly" in wanted and arguments[0] == "synth":
    shutil.copytree(wanted["assembly"], arguments[arguments.index("--output") + 1])
if "flood" in wanted:
    sys.stdout.write("x" * wanted["flood"])
if "hang" in wanted:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    (here / "pids.json").write_text(json.dumps([os.getpid(), child.pid]))
    if wanted["hang"] == "quietly":
        os.close(1), os.close(2)
    time.sleep(60)
sys.exit(wanted.get("exit", 0))
"""


class FakeCdk:
    """The stand-in, and what it was asked."""

    def __init__(self, folder: Path, **wanted: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / "cdk"
        self.path.write_text(PROGRAM.format(python=sys.executable), "utf-8")
        self.path.chmod(0o755)
        self.want(**wanted)

    def want(self, **wanted: Any) -> None:
        """Change what it does from now on."""
        (self.folder / "wanted.json").write_text(json.dumps(wanted), "utf-8")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return how it was called: arguments, folder, environment."""
        file = self.folder / "calls.jsonl"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]

    @property
    def pids(self) -> list[int]:
        """Return the ids of itself and of what it started, once it hangs."""
        file = self.folder / "pids.json"
        return list(json.loads(file.read_text("utf-8"))) if file.exists() else []


def app_folder(folder: Path, **settings: Any) -> Path:
    """Make a folder that passes for an app."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cdk.json").write_text(json.dumps({"app": "none", **settings}), "utf-8")
    return folder


def opened(folder: Path, fake: FakeCdk, clock: Clock | None = None, **environ: str) -> Cdk:
    """Return the command line for an app in ``folder``, with the stand-in on the PATH."""
    own = {"PATH": f"{fake.folder}:{os.environ['PATH']}", **environ}
    environment = cdk_environment(own, "eu-west-1", "123456789012")
    return open_cdk(
        app_folder(folder / "app"), environment, folder / "logs", clock or SystemClock()
    )


def real_cdk() -> str | None:
    """Return the real command line, from RETABLE_CDK or the PATH."""
    return os.environ.get("RETABLE_CDK") or shutil.which("cdk")


def is_alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def given_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a test, which has no credentials of anybody's."""
    return {**os.environ, **(extra or {})}
