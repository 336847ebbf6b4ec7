"""What an export still says of a table that is gone, as far as a plan needs it."""

from collections.abc import Iterator

from retable.runner.aws.settings import TableDescription, TableSettings
from retable.runner.export.manifest import Export
from retable.runner.failure import Refused
from retable.runner.observe import Observed
from retable.schema.spec import Indexes, Spec

GONE = "GONE"
"""The status of a table that only its export remembers."""


def as_exported(spec: Spec, export: Export) -> TableSettings:
    """Return the settings of a table of which nothing is left but ``export``.

    Its name, ARN and TableId are the manifest's. Its key, indexes, billing and settings are lost;
    what the spec declares stands for them, and the service's defaults for the rest.
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


def require_remembered(spec: Spec, observed: Observed, source: TableSettings) -> None:
    """See that all that was written since the export can be told: it is about to be lost.

    Raises:
        Refused: point-in-time recovery is off, or does not reach as far back.
    """
    name, recovery = source.description.name, observed.recoverable
    at = spec.source.export.at
    if at is None and observed.export is not None:
        at = observed.export.export_time
    if recovery is None:
        message = f"{name} has no point-in-time recovery, so what was written to it is not known"
        raise Refused(message, "make a repaired table beside it: strategy: side-by-side")
    if at is None or not recovery[0] <= at <= recovery[1]:
        message = (
            f"point-in-time recovery of {name} knows {recovery[0].isoformat()} to "
            f"{recovery[1].isoformat()}; found {at.isoformat() if at else 'no export'}"
        )
        raise Refused(message, "name another moment or a later export")


def lost_settings(spec: Spec) -> Iterator[str]:
    """Yield what the spec would keep of a table that is gone, and so cannot."""
    table, target = spec.source.table_name, spec.target
    if target.indexes == "keep":
        yield f"the indexes of {table} are gone with it: {target.table} gets none"
    if target.billing == "keep":
        yield f"the billing of {table} is not known any more: {target.table} is on-demand"
    own = {} if target.settings == "keep" else target.settings
    kept = [name for name, value in own.items() if value == "keep"]
    if target.settings == "keep" or kept:
        what = ", ".join(kept) if kept else "settings"
        yield f"the {what} of {table} are gone with it: only what the spec declares is set"
