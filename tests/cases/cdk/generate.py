"""Synthesizes the assemblies in this folder, with the CDK command line that RETABLE_CDK names.

    RETABLE_CDK=node_modules/.bin/cdk python tests/cases/cdk/generate.py [--old SITE_PACKAGES]

``--old`` is where aws-cdk-lib 2.200.0 is, the last layout but one. What no test reads is left out:
the report on feature flags, which is long, and what a validator found.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VARIANTS = {
    "by-id": ["orders-table=by-id"],
    "absent": ["orders-table=absent"],
    "by-customer": ["orders-table=by-customer"],
    "final": ["orders-table=by-customer", "orders-live=yes"],
    "stage": ["stage=yes"],
    "stage-without-paths": ["stage=yes"],
}
OLD = {"old-by-id": ["orders-table=by-id"], "old-stage": ["stage=yes"]}
LEFT_OUT = ("validation-report.json",)


def synthesize(name: str, context: list[str], old: str | None) -> None:
    """Write one assembly."""
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    options = [option for pair in context for option in ("-c", pair)]
    if name.endswith("without-paths"):
        options += ["--no-path-metadata", "--no-asset-metadata"]
    environ = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    environ |= {"PYTHONPATH": old} if old else {}
    command = [os.environ["RETABLE_CDK"], "synth", "-q", "--no-version-reporting", "--no-notices"]
    subprocess.run(  # noqa: S603 -- the program a developer installed for this
        [*command, "-o", str(folder), *options], cwd=HERE / "app", env=environ, check=True
    )
    for manifest in folder.rglob("manifest.json"):
        content = json.loads(manifest.read_text("utf-8"))
        content["artifacts"].pop("aws-cdk-lib/feature-flag-report", None)
        manifest.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    for file in LEFT_OUT:
        (folder / file).unlink(missing_ok=True)


if __name__ == "__main__":
    for variant, pairs in VARIANTS.items():
        synthesize(variant, pairs, None)
    if sys.argv[1:2] == ["--old"]:
        for variant, pairs in OLD.items():
            synthesize(variant, pairs, sys.argv[2])
