"""What an export still says about a deleted table, as far as a plan needs it."""

from collections.abc import Iterator

from retable.runner.export.manifest import Export
from retable.runner.failure import Refused
from retable.runner.planning.observe import Observed
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.spec import Indexes, Spec

GONE = "GONE"
"""The status given to a deleted table, of which only an export is left."""


def as_exported(spec: Spec, export: Export) -> TableSettings:
    """Return the settings of a table of which nothing is left but ``export``.

    Its ARN and TableId are the manifest's. Its key, indexes, billing and settings are lost;
    what the spec declares replaces them, and the service's defaults the rest.
    """
    description = TableDescription(
        name=spec.source.table_name,
        arn=export.table_arn,
        table_id=export.table_id,
        status=GONE,
        key=spec.target.key,
        indexes=Indexes(),
        billing="on-demand",
        deletion_protection=False,
        stream=None,
        table_class=None,
        sse=None,
        replicas=(),
        item_count=export.item_count,
        size_bytes=export.billed_bytes,
    )
    return TableSettings(
        description=description,
        ttl=None,
        pitr=False,
        pitr_days=None,
        tags={},
        policy=None,
        unkept=(),
    )


def require_own(spec: Spec, observed: Observed, export: Export) -> None:
    """Require that an export is of the table that the spec names, in this account and Region.

    Raises:
        Refused: it is of a table of another name, account or Region.
    """
    _, _, _, region, account, _ = export.table_arn.split(":", maxsplit=5)
    name = export.table_arn.rpartition("/")[2]
    exported = (name, region, account)
    expected = (spec.source.table_name, observed.region or region, observed.account or account)
    if exported != expected:
        message = f"export {export.id} is of {export.table_arn}; the spec's table is {expected[0]} "
        message += f"in {expected[1]}, account {expected[2]}"
        raise Refused(message, "name an export of that table, by source.export.id")


def require_repairable(spec: Spec, observed: Observed, source: TableSettings) -> None:
    """Require that a damaged table is rebuilt under its own name, from its own export.

    Raises:
        Refused: the spec names another target, or an export of another physical table.
    """
    name, export = source.description.name, observed.export
    if spec.target.table != name:
        message = f"{name} exists, and is repaired under its own name; found {spec.target.table}"
        raise Refused(message, "strategy: side-by-side creates a second table")
    named = spec.source.export.id is not None
    if named and export is not None and export.table_id != source.description.table_id:
        message = f"export {export.id} is of another physical table than the current {name}"
        raise Refused(message, "name an export of it, or a time with source.export.at")


def require_later_writes_known(spec: Spec, observed: Observed, source: TableSettings) -> None:
    """Require that all writes since the export can be listed, as they are about to be lost.

    Raises:
        Refused: point-in-time recovery is off, or does not reach back that far.
    """
    name, recovery = source.description.name, observed.recoverable
    at = spec.source.export.at
    if at is None and observed.export is not None:
        at = observed.export.export_time
    if recovery is None:
        message = f"{name} has no point-in-time recovery, so what was written to it is not known"
        raise Refused(message, "create a repaired table beside it: strategy: side-by-side")
    if at is None or not recovery[0] <= at <= recovery[1]:
        message = (
            f"point-in-time recovery of {name} covers {recovery[0].isoformat()} to "
            f"{recovery[1].isoformat()}; found {at.isoformat() if at else 'no export'}"
        )
        raise Refused(message, "name another time or a later export")


def unknown_settings(spec: Spec) -> Iterator[str]:
    """Yield what the spec would keep of a deleted table, and cannot because nothing knows it."""
    table, target = spec.source.table_name, spec.target
    if target.indexes == "keep":
        yield f"the indexes of {table} are deleted with it: {target.table} gets none"
    if target.billing == "keep":
        yield f"the billing mode of {table} is no longer known: {target.table} is on-demand"
    own = {} if target.settings == "keep" else target.settings
    kept = [name for name, value in own.items() if value == "keep"]
    if target.settings == "keep" or kept:
        what = ", ".join(kept) if kept else "settings"
        yield f"the {what} of {table} are deleted with it: only what the spec declares is set"
