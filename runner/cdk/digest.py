"""The digest of what a deployment of one stack would do, to compare with a plan.

It covers the stack's own entry in the manifest, its templates, and the manifests and files of its
assets. It does not cover what CDK only displays: trees, reports, construct traces, so
two syntheses of one app have one digest.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from retable.runner.cdk.assembly import Assembly, StackArtifact
from retable.runner.cdk.json_file import inside, mapping, read_json
from retable.runner.cdk.template import Template, parts
from retable.runner.failure import Refused

MAX_FILES = 100_000
"""The maximum number of files in a stack's assets; a bundle with dependencies has thousands."""


def digest(assembly: Assembly, stack: StackArtifact) -> str:
    """Return the digest of a stack: 64 hexadecimal digits.

    Raises:
        Refused: a file is missing, or is outside of the assembly.
    """
    total = hashlib.sha256()
    for piece in _contents(assembly, stack):
        # Each piece by its own digest: no two lists of pieces concatenate to the same bytes.
        total.update(hashlib.sha256(piece).digest())
    return total.hexdigest()


def template_digest(template: Template) -> str:
    """Return the digest of a whole template: 64 hexadecimal digits."""
    content = {address: [part.type, part.body] for address, part in parts(template).items()}
    return hashlib.sha256(_canonical(content)).hexdigest()


def _contents(assembly: Assembly, stack: StackArtifact) -> Iterator[bytes]:
    """Yield everything that the digest covers, in a fixed order."""
    yield _canonical([stack.id, stack.path, stack.name, stack.account, stack.region])
    yield _canonical(stack.deploys)
    yield from _templates(stack.template)
    for path, source in _sources(assembly, stack):
        yield source.encode()
        yield from _files(path)


def _templates(template: Template) -> Iterator[bytes]:
    yield _canonical(template.body)
    for name in sorted(template.nested):
        yield name.encode()
        yield from _templates(template.nested[name])


def _sources(assembly: Assembly, stack: StackArtifact) -> Iterator[tuple[Path, str]]:
    """Yield the files and folders that are uploaded or built, each by its name in the manifest."""
    for manifest in stack.asset_files:
        assets = read_json(manifest)
        for kind in ("files", "dockerImages"):
            for name, asset in sorted(mapping(assets.get(kind)).items()):
                source = mapping(mapping(asset).get("source"))
                named = source.get("path", source.get("directory"))
                text = _canonical([kind, name, asset]).decode()
                if isinstance(named, str):
                    yield inside(assembly.folder, manifest.parent, named), text
                elif source.get("executable"):
                    message = f"a command builds the asset {name} of {stack.path} at deployment"
                    raise Refused(message, "its output cannot be reviewed before the deployment")
    for asset in stack.legacy_assets:
        named = str(asset.get("path"))
        yield inside(assembly.folder, stack.folder, named), _canonical(asset).decode()


def _files(path: Path) -> Iterator[bytes]:
    """Yield the names and digests of a file, or of a folder's files. Links are not followed."""
    if path.is_file():
        yield _file_digest(path)
        return
    if not path.is_dir():
        message = f"the asset {path} is missing"
        raise Refused(message, "synthesize the app again")
    found = sorted(path.rglob("*"))
    if len(found) > MAX_FILES:
        message = f"the asset {path} has {len(found):,} files; at most {MAX_FILES:,} can be covered"
        raise Refused(message)
    for file in found:
        yield str(file.relative_to(path)).encode()
        if file.is_symlink():
            yield str(file.readlink()).encode()
        elif file.is_file():
            yield _file_digest(file)


def _file_digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()
