"""What a spec may request and this version does not support yet: nothing is ignored."""

from collections.abc import Iterator

from retable.runner.failure import Refused
from retable.schema.spec import AwsBackup, Export, Spec


def unsupported(spec: Spec) -> tuple[str, ...]:
    """Return one line for each key of ``spec`` whose step does not exist yet, in spec order."""
    return (*_in_source(spec), *_in_rebuild(spec))


def unsupported_for_dry_run(spec: Spec) -> tuple[str, ...]:
    """Return those that already prevent reading and mapping the export."""
    return tuple(_in_source(spec))


def require_supported(missing: tuple[str, ...]) -> None:
    """Refuse what this version does not support.

    Raises:
        Refused: naming every key.
    """
    if missing:
        message = "this version does not support: " + "; ".join(missing)
        raise Refused(message, "nothing was changed")


def _in_source(spec: Spec) -> Iterator[str]:
    export = spec.source.export
    if export.kind == "files" and spec.rebuild.freeze != "none":
        yield "source.export.kind: files with a freeze (files do not contain the frozen table)"


def _in_rebuild(spec: Spec) -> Iterator[str]:
    rebuild = spec.rebuild
    if isinstance(rebuild.backup, AwsBackup):
        yield "rebuild.backup.with: aws-backup (on-demand backups only)"
    if rebuild.strategy == "replace" and rebuild.freeze == "none":
        yield from _in_unfrozen(spec.source.export)
    if rebuild.strategy == "replace" and rebuild.backup == "none":
        yield "rebuild.backup: none with replace (nothing is deleted without a backup)"


def _in_unfrozen(export: Export) -> Iterator[str]:
    """Yield the exports that miss writes to a table that is deleted without a freeze."""
    if export.kind == "scan":
        yield "rebuild.freeze: none with replace and kind: scan (no export shows later writes)"
    if export.kind == "files" or export.id is not None or export.incrementals:
        yield "rebuild.freeze: none with replace and an existing export (the run must make its own)"
