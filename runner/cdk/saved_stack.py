"""Saves a stack as deployed before a rebuild, as an assembly that restores it.

The template is the deployed one, and nothing is uploaded for it: its assets are
where its last deployment put them.
"""

import json
import shutil
from pathlib import Path

from retable.runner.cdk.assembly import MANIFEST, STACK_ARTIFACT, StackArtifact
from retable.runner.cdk.template import Template

TEMPLATE_FILE = "original.template.json"
OF_ASSETS = frozenset(
    [
        "bootstrapStackVersionSsmParameter",
        "requiresBootstrapStackVersion",
        "stackTemplateAssetObjectUrl",
        "validateOnSynth",
    ]
)
"""The name of a template that is uploaded under its own digest, in a manifest."""


def write_original(folder: Path, version: str, stack: StackArtifact, deployed: Template) -> None:
    """Write the assembly of ``stack`` as deployed, with a manifest of the schema ``version``.

    It deploys like ``stack``: with the same roles, under the same name.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    # Numbers of templates are small; CloudFormation takes each of them as a string.
    (folder / TEMPLATE_FILE).write_text(json.dumps(deployed.body, default=float), "utf-8")
    kept = {name: value for name, value in stack.deploys.items() if name not in OF_ASSETS}
    place = f"aws://{stack.account or 'unknown-account'}/{stack.region or 'unknown-region'}"
    artifact = {
        "type": STACK_ARTIFACT,
        "environment": place,
        "displayName": stack.path,
        "properties": {**kept, "templateFile": TEMPLATE_FILE, "stackName": stack.name},
    }
    manifest = {"version": version, "artifacts": {stack.id: artifact}}
    (folder / MANIFEST).write_text(json.dumps(manifest, default=str), "utf-8")
