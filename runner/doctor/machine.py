"""Checks this machine: the versions of what a run uses, the disk, the clock."""

import platform
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from retable.runner.aws.bulk import require_bulk_put
from retable.runner.disk import free_bytes
from retable.runner.doctor.examined import Finding, Outcome, as_problem
from retable.runner.failure import Refused
from retable.schema.spec import CdkProvision, Spec

PACKAGES = ("boto3", "botocore", "duckdb", "pyarrow")
LEDGER_BYTES = 300
"""An upper bound for an item's bytes in all ledgers of a run."""
WARNING_SECONDS = 60
PROBLEM_SECONDS = 300
"""Beyond five minutes AWS refuses requests as signed at the wrong time (Signature Version 4)."""
PATIENCE_SECONDS = 30


def versions(spec: Spec) -> Iterator[Finding]:
    """Yield the installed versions that ``spec`` needs."""
    found = [f"Python {platform.python_version()}"]
    found += [f"{name} {version(name)}" for name in PACKAGES]
    yield Finding(name="versions", did="checked the installed versions", found=", ".join(found))
    if spec.load.with_ == "bulk-put":
        did = "checked whether boto3 supports bulk operations"
        try:
            require_bulk_put()
        except Refused as failure:
            yield as_problem("versions", did, failure)
        else:
            yield Finding(name="versions", did=did, found="it does")
    if isinstance(spec.rebuild.provision, CdkProvision):
        yield from _cdk(spec.origin.folder / spec.rebuild.provision.app)


def disk(run_dir: Path, items: int, table_bytes: int, spool_bytes: int) -> Finding:
    """Return whether the disk of the run folders has room for so many items."""
    free = free_bytes(run_dir.absolute())
    needed = items * LEDGER_BYTES + min(table_bytes, spool_bytes)
    found = f"{free:,} bytes are free; {items:,} items may take {needed:,}"
    did = f"checked the disk of {run_dir}"
    if free >= needed:
        return Finding(name="disk", did=did, found=found)
    advice = "free disk space, choose another --run-dir, or spool less with RETABLE_SPOOL"
    return Finding(name="disk", did=did, found=found, outcome="problem", advice=advice)


def clock(local: datetime, remote: datetime) -> Finding:
    """Return the difference between this machine's clock and AWS's."""
    skew = abs((local - remote).total_seconds())
    did = "compared this machine's clock with the Date header of AWS"
    found = f"{int(skew)} s apart"
    if skew <= WARNING_SECONDS:
        return Finding(name="clock", did=did, found=found)
    advice = "synchronize this machine's clock with NTP"
    outcome: Outcome = "problem" if skew > PROBLEM_SECONDS else "warning"
    return Finding(name="clock", did=did, found=found, outcome=outcome, advice=advice)


def _cdk(app: Path) -> Iterator[Finding]:
    """Yield the findings on the CDK: its app's folder, Node.js, its command."""
    if (app / "cdk.json").is_file():
        yield Finding(name="cdk", did="looked for the app", found=f"{app / 'cdk.json'} exists")
    else:
        yield Finding(
            name="cdk",
            did="looked for the app",
            found=f"{app / 'cdk.json'} does not exist",
            outcome="problem",
            advice="check rebuild.provision.app; it is relative to the spec",
        )
    places = {"node": (None,), "cdk": (None, *_node_modules(app))}
    for command, paths in places.items():
        found = next((path for place in paths if (path := shutil.which(command, path=place))), None)
        did = f"looked for {command}"
        if found is not None:
            yield Finding(name="cdk", did=did, found=f"{found} is {_version(found)}")
        elif command == "cdk" and shutil.which("npx"):
            yield Finding(
                name="cdk",
                did=did,
                found="npx would fetch it",
                outcome="warning",
                advice="npm install aws-cdk, to pin its version",
            )
        else:
            advice = "install Node.js and the npm package aws-cdk"
            yield Finding(
                name="cdk", did=did, found="there is none", outcome="problem", advice=advice
            )


def _node_modules(app: Path) -> Iterator[str]:
    """Yield the folders where npm installs commands for an app, from its folder upwards."""
    for folder in (app.resolve(), *app.resolve().parents):
        yield str(folder / "node_modules/.bin")


def _version(command: str) -> str:
    """Return what ``--version`` says, on one line."""
    try:
        done = subprocess.run(  # noqa: S603 -- found on PATH, as a run finds it
            [command, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"of unknown version ({type(error).__name__})"
    return done.stdout.strip().partition("\n")[0] or "of unknown version"
