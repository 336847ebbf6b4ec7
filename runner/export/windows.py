"""Finds the incremental exports that continue a full one, and checks that they join without a gap.

Pure: it works on parsed manifests; ``location`` reads them.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from retable.runner.export.manifest import Export, Window
from retable.runner.failure import CheckFailed, Refused


def following(full: Export, found: Sequence[Export]) -> tuple[Export, ...]:
    """Return the exports among ``found`` that continue ``full``, in the order of their windows.

    Full exports, exports of other tables and windows that end earlier are skipped. If several
    continue from one point in time, the one with the latest start wins, then the latest end.

    Raises:
        CheckFailed: there is a gap before the next window.
    """
    waiting = [export for export in found if _continues(export, full)]
    chain: list[Export] = []
    end = full.export_time
    while waiting := [export for export in waiting if window_of(export).end > end]:
        joining = [export for export in waiting if window_of(export).start <= end]
        if not joining:
            raise _gap(chain[-1] if chain else full, min(waiting, key=_place))
        chain.append(max(joining, key=lambda e: (window_of(e).start, window_of(e).end, e.id)))
        end = window_of(chain[-1]).end
    return tuple(chain)


def in_order(full: Export, chosen: Sequence[Export]) -> tuple[Export, ...]:
    """Return all of ``chosen`` in the order of their windows; each must continue ``full``.

    Raises:
        Refused: one is not incremental, is of another table, or adds nothing.
        CheckFailed: there is a gap between two windows, or before the first.
    """
    for export in chosen:
        if export.window is None:
            message = f"export {export.id} is a full export; expected an incremental one"
            raise Refused(message, "source.export.id names the full export")
        if (export.table_arn, export.table_id) != (full.table_arn, full.table_id):
            message = (
                f"export {export.id} is of {export.table_arn} with TableId {export.table_id}; "
                f"the full export is of {full.table_arn} with TableId {full.table_id}"
            )
            raise Refused(message, "leave it out of source.export.incrementals")
    before = full
    for export in (ordered := sorted(chosen, key=_place)):
        if window_of(export).start > before.export_time:
            raise _gap(before, export)
        if window_of(export).end <= before.export_time:
            message = (
                f"export {export.id} ends at {_moment(export.export_time)}, which export "
                f"{before.id} covers already, to {_moment(before.export_time)}"
            )
            raise Refused(message, "leave it out of source.export.incrementals")
        before = export
    return tuple(ordered)


def overlaps(full: Export, chain: Sequence[Export]) -> Iterator[str]:
    """Yield a warning for each overlap of two windows.

    An item that is put within an overlap and deleted after it leaves no line in the later export,
    so it would reappear.
    """
    before = full
    for export in chain:
        seconds = (before.export_time - window_of(export).start).total_seconds()
        if seconds > 0:
            yield (
                f"export {export.id} overlaps export {before.id} by {_exact(seconds)} s: an item "
                "that was put in that time and deleted after it may reappear"
            )
        before = export


def window_of(export: Export) -> Window:
    """Return the window of an incremental export.

    Raises:
        TypeError: it is a full one.
    """
    if export.window is None:
        raise TypeError(export.id)
    return export.window


def _continues(export: Export, full: Export) -> bool:
    """Return whether ``export`` is an incremental one of the same physical table."""
    same = (export.table_arn, export.table_id) == (full.table_arn, full.table_id)
    return export.window is not None and same


def _place(export: Export) -> tuple[datetime, datetime, str]:
    """Return the sort key of a window."""
    window = window_of(export)
    return window.start, window.end, export.id


def _gap(before: Export, after: Export) -> CheckFailed:
    """Return the failure for two exports that do not join."""
    start = window_of(after).start
    seconds = (start - before.export_time).total_seconds()
    message = (
        f"there is a gap of {_exact(seconds)} s between export {before.id}, which ends at "
        f"{_moment(before.export_time)}, and export {after.id}, which begins at {_moment(start)}: "
        "what changed in between is in neither"
    )
    hint = "export the missing window, or name those that join in source.export.incrementals"
    return CheckFailed(message, hint)


def _moment(time: datetime) -> str:
    """Return ``time`` as manifests write it."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _exact(seconds: float) -> str:
    """Return seconds to the millisecond, as short as they can be written."""
    return f"{seconds:,.3f}".rstrip("0").rstrip(".")
