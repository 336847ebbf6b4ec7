"""A cloud assembly: an app's synthesized stacks, as the files of cdk.out describe them.

Both layouts are read: older libraries keep the constructs' paths in ``manifest.json``, newer ones
in a file beside it. The app does not run, and no file outside of the folder is read.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retable.runner.cdk.json_file import inside, mapping, read_json
from retable.runner.cdk.template import NESTED_FILE, RESOURCES, STACK, Template
from retable.runner.failure import Refused

MANIFEST, TREE = "manifest.json", "tree.json"
STACK_ARTIFACT = "aws:cloudformation:stack"
NESTED_ARTIFACT = "cdk:cloud-assembly"
ASSETS_ARTIFACT = "cdk:asset-manifest"
LOGICAL_ID, TEMPLATE_FILE = "aws:cdk:logicalId", "aws:cdk:templateFile"
LEGACY_ASSET = "aws:cdk:asset"
NESTED = ".NestedStack/"
"""The marker in the path of a nested stack's own resource: ``Data/In.NestedStack/In…Resource``."""
TREE_LOGICAL_ID = "aws:cdk:cloudformation:logicalId"
ENVIRONMENT = re.compile(r"aws://([^/]+)/([^/]+)")
UNKNOWN_ACCOUNT, UNKNOWN_REGION = "unknown-account", "unknown-region"
OLDEST_SCHEMA = 15
"""The schema of CDK 2's first release; CDK 1 has another layout."""
MAX_NESTING = 10
"""The maximum nesting of assemblies and stacks."""
MAX_TEMPLATES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StackArtifact:
    """One stack of an assembly."""

    id: str
    """The artifact's own name in its manifest."""
    path: str
    """The construct's path, as ``cdk deploy`` takes it: ``Prod/Data``."""
    name: str
    """The stack's name in CloudFormation."""
    account: str | None
    """``None`` if the deploying account decides."""
    region: str | None
    folder: Path
    """The folder of its assembly, which may be that of a stage."""
    template_file: Path
    template: Template = field(repr=False)
    asset_files: tuple[Path, ...]
    """The asset manifests of what is uploaded for it."""
    legacy_assets: tuple[Mapping[str, Any], ...] = field(repr=False)
    """Assets in the constructs' metadata, as the oldest synthesizer writes them."""
    deploys: Mapping[str, Any] = field(repr=False)
    """Its deployment properties in the manifest: roles, tags, parameters."""
    paths: Mapping[str, str] = field(repr=False)
    """Known constructs: their paths to their logical ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The result of one synthesis."""

    folder: Path
    version: str
    """The version of the manifest's schema."""
    needs_cli: str | None
    """The oldest command line that can read it, if the library names one."""
    stacks: tuple[StackArtifact, ...]


def read_assembly(folder: Path) -> Assembly:
    """Return the assembly in ``folder``.

    Raises:
        Refused: it does not exist, is malformed, too old, or names files outside of its folder.
    """
    root = folder.resolve()
    if not (root / MANIFEST).is_file():
        message = f"{folder} is not a cloud assembly: it has no {MANIFEST}"
        raise Refused(message, "cdk synth writes one; name the folder it wrote to")
    manifest = read_json(root / MANIFEST)
    _require_known(manifest, folder)
    minimum = manifest.get("minimumCliVersion")
    return Assembly(
        folder=root,
        version=str(manifest["version"]),
        needs_cli=minimum if isinstance(minimum, str) else None,
        stacks=tuple(sorted(_stacks(root), key=lambda stack: (stack.path, stack.name))),
    )


def _require_known(manifest: Mapping[str, Any], folder: Path) -> None:
    """Refuse an assembly with an older layout."""
    version = str(manifest.get("version"))
    major = version.partition(".")[0]
    if not major.isdecimal() or int(major) < OLDEST_SCHEMA:
        message = f"the assembly {folder} has the schema version {version}"
        hint = f"{OLDEST_SCHEMA} and later can be read: synthesize it with CDK 2"
        raise Refused(message, hint)


def _stacks(root: Path) -> Iterator[StackArtifact]:
    """Yield the stacks of an assembly and of its stages."""
    reader = _Reader(root)
    waiting, seen = [root], {root}
    while waiting:
        folder = waiting.pop()
        artifacts = mapping(read_json(folder / MANIFEST).get("artifacts"))
        for name, body in artifacts.items():
            artifact = mapping(body)
            if artifact.get("type") == NESTED_ARTIFACT:
                directory = str(mapping(artifact.get("properties")).get("directoryName"))
                stage = inside(root, folder, directory)
                if stage not in seen:
                    seen.add(stage)
                    waiting.append(stage)
            if artifact.get("type") == STACK_ARTIFACT:
                yield reader.stack(folder, name, artifacts)


class _Reader:
    """Reads the stacks of one assembly, and a bounded number of templates."""

    def __init__(self, root: Path) -> None:
        """Read the construct tree, if there is one."""
        self._root = root
        tree = root / TREE
        self._known = dict(_tree_ids(read_json(tree))) if tree.is_file() else {}
        self._left = MAX_TEMPLATES

    def stack(self, folder: Path, name: str, artifacts: Mapping[str, Any]) -> StackArtifact:
        """Return one stack, with its template and its known constructs."""
        artifact = mapping(artifacts[name])
        properties = mapping(artifact.get("properties"))
        path = str(artifact.get("displayName") or name)
        file = inside(self._root, folder, str(properties.get("templateFile")))
        metadata = _metadata(self._root, folder, artifact)
        account, region = _environment(str(artifact.get("environment")))
        return StackArtifact(
            id=name,
            path=path,
            name=str(properties.get("stackName") or name),
            account=account,
            region=region,
            folder=folder,
            template_file=file,
            template=self._template(file, _nested_files(metadata), 0),
            asset_files=tuple(_asset_files(self._root, folder, artifact, artifacts)),
            legacy_assets=tuple(mapping(data) for _, data in _notes(metadata, LEGACY_ASSET)),
            deploys=properties,
            paths={**_below(self._known, path), **dict(_logical_ids(metadata))},
        )

    def _template(self, file: Path, files: Mapping[str, str], depth: int) -> Template:
        """Return a template with those of its nested stacks whose files are named."""
        self._left -= 1
        if self._left < 0 or depth > MAX_NESTING:
            message = f"the assembly {self._root} has more than {MAX_TEMPLATES:,} templates, or"
            message += f" stacks nested more than {MAX_NESTING} deep"
            raise Refused(message)
        body = read_json(file)
        nested = {}
        for name, resource in mapping(body.get(RESOURCES)).items():
            known = mapping(mapping(resource).get("Metadata")).get(NESTED_FILE, files.get(name))
            if mapping(resource).get("Type") == STACK and isinstance(known, str):
                path = inside(self._root, file.parent, known)
                nested[name] = self._template(path, files, depth + 1)
        return Template(body, nested)


def _environment(text: str) -> tuple[str | None, str | None]:
    """Return the account and the region of a stack, if they are fixed."""
    found = ENVIRONMENT.fullmatch(text)
    if found is None:
        return None, None
    account, region = found.groups()
    return (
        None if account == UNKNOWN_ACCOUNT else account,
        None if region == UNKNOWN_REGION else region,
    )


def _asset_files(
    root: Path, folder: Path, artifact: Mapping[str, Any], artifacts: Mapping[str, Any]
) -> Iterator[Path]:
    """Yield the manifests of assets that a stack depends on."""
    for name in sorted(map(str, artifact.get("dependencies") or ())):
        needed = mapping(artifacts.get(name))
        if needed.get("type") == ASSETS_ARTIFACT:
            yield inside(root, folder, str(mapping(needed.get("properties")).get("file")))


def _metadata(root: Path, folder: Path, artifact: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the metadata of a stack's constructs, by path, in either layout."""
    found = dict(mapping(artifact.get("metadata")))
    beside = artifact.get("additionalMetadataFile")
    if isinstance(beside, str):
        found.update(read_json(inside(root, folder, beside)))
    return found


def _nested_files(metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return the templates of nested stacks by the logical ids of their resources.

    For templates without that metadata; an id that two stacks use is omitted.
    """
    files = {path.lstrip("/"): data for path, data in _notes(metadata, TEMPLATE_FILE)}
    found: dict[str, set[str]] = {}
    for path, logical_id in _logical_ids(metadata):
        home, nested, _ = path.partition(NESTED)
        if nested and home in files:
            found.setdefault(logical_id, set()).add(str(files[home]))
    return {name: named.pop() for name, named in found.items() if len(named) == 1}


def _logical_ids(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (path, logical id); paths begin with a slash in the metadata, and nowhere else."""
    for path, data in _notes(metadata, LOGICAL_ID):
        if isinstance(data, str):
            yield path.lstrip("/"), data


def _notes(metadata: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, data) for every metadata entry of one type."""
    for path, notes in metadata.items():
        for note in notes if isinstance(notes, list) else ():
            if mapping(note).get("type") == kind:
                yield path, mapping(note).get("data")


def _tree_ids(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (path, logical id) for every construct of a tree that has one."""
    waiting = [mapping(tree.get("tree"))]
    while waiting:
        node = waiting.pop()
        path, own = node.get("path"), mapping(node.get("attributes")).get(TREE_LOGICAL_ID)
        if isinstance(path, str) and isinstance(own, str):
            yield path, own
        waiting += map(mapping, mapping(node.get("children")).values())


def _below(known: Mapping[str, str], path: str) -> dict[str, str]:
    """Return the entries of paths below ``path``."""
    return {one: known[one] for one in known if one.startswith(path + "/")}
