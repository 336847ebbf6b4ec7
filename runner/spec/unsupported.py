"""What a spec may ask for and this version cannot carry out yet: nothing is ignored."""

from collections.abc import Iterator

from retable.runner.failure import Refused
from retable.schema.spec import AwsBackup, Export, Spec


def unsupported(spec: Spec) -> tuple[str, ...]:
    """Return one line for each key of ``spec`` whose step does not exist yet, in spec order."""
    return (*_in_source(spec), *_in_rebuild(spec))


def unsupported_for_dry_run(spec: Spec) -> tuple[str, ...]:
    """Return those that already stand in the way of reading and mapping the export."""
    return tuple(_in_source(spec))


def require_supported(missing: tuple[str, ...]) -> None:
    """Refuse what this version cannot do.

    Raises:
        Refused: naming every key.
    """
    if missing:
        message = "this version cannot carry out: " + "; ".join(missing)
        raise Refused(message, "nothing was touched")


def _in_source(spec: Spec) -> Iterator[str]:
    export = spec.source.export
    if export.kind == "files" and spec.rebuild.freeze != "none":
        yield "source.export.kind: files with a freeze (files show nothing of the frozen table)"


def _in_rebuild(spec: Spec) -> Iterator[str]:
    rebuild = spec.rebuild
    if isinstance(rebuild.backup, AwsBackup):
        yield "rebuild.backup.with: aws-backup (on-demand backups only)"
    if rebuild.strategy == "replace" and rebuild.freeze == "none":
        yield from _in_unfrozen(spec.source.export)
    if rebuild.strategy == "replace" and rebuild.backup == "none":
        yield "rebuild.backup: none with replace (nothing is deleted without a backup)"


def _in_unfrozen(export: Export) -> Iterator[str]:
    """Yield what shows too little of a table that is deleted while writers may write to it."""
    if export.kind == "scan":
        yield "rebuild.freeze: none with replace and kind: scan (no export shows later writes)"
    if export.kind == "files" or export.id is not None or export.incrementals:
        yield "rebuild.freeze: none with replace and an export at hand (the run must make its own)"
