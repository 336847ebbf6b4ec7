"""What to know before approving: what will not be restored, what is not covered."""

from collections.abc import Iterator

from retable.runner.export.windows import overlaps
from retable.runner.planning.lost_source import GONE
from retable.runner.planning.observe import Observed
from retable.runner.table.settings import TableSettings
from retable.schema.spec import Spec


def lost_with_the_source(spec: Spec, source: TableSettings | None) -> Iterator[str]:
    """Yield what a replace or a repair would destroy and this version cannot restore."""
    if spec.rebuild.strategy != "side-by-side" and source is not None:
        for what in source.unkept:
            yield f"{source.description.name} has {what}, which would be lost with it"


def warnings(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[str]:
    """Yield what to know before approving."""
    name = source.description.name
    for what in source.unkept:
        yield f"{name} has {what}, which {spec.target.table} will not have"
    if source.description.status == GONE:
        yield f"writes to {name} after its export are lost"
    elif spec.rebuild.strategy == "recover":
        yield f"writes to {name} after its export are lost; a backup keeps the table as it is now"
        yield f"{name} is frozen and backed up before it is deleted"
    elif spec.rebuild.freeze == "none":
        yield f"{name} is not frozen: writes made after the export are not in {spec.target.table}"
    elif spec.rebuild.strategy == "side-by-side":
        yield f"{name} stays frozen at the end, until the application uses {spec.target.table}"
    yield from _export_warnings(spec, observed, source)
    if observed.target is not None and spec.target.nonempty == "accept":
        yield f"{spec.target.table} already exists; it is not fenced, and its items are kept"
    if observed.stack is not None:
        yield from observed.stack.notes
    if spec.rebuild.backup == "none" and spec.rebuild.strategy != "recover":
        yield f"no backup of {name} is made"


def _export_warnings(spec: Spec, observed: Observed, source: TableSettings) -> Iterator[str]:
    """Yield what to know about the export."""
    export = observed.export
    if export is not None and export.table_id != source.description.table_id:
        name = source.description.name
        yield f"export {export.id} is of another physical table than the current {name}"
    if export is not None:
        yield from overlaps(export, observed.incrementals)
    if spec.source.export.kind == "scan" and spec.rebuild.freeze == "none":
        yield "a scan is not a snapshot: writes to the source during it may or may not be included"
    if spec.source.export.incrementals and spec.rebuild.freeze != "none":
        yield "source.export.incrementals are for the rehearsal: the final export is a full export"
