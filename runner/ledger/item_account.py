"""The account of every item (I3): what was read and its outcomes must add up.

The ledger and the loader count; this module only checks that their figures agree.
"""

from retable.runner.failure import CheckFailed
from retable.runner.ledger.questions import LedgerCounts


def account(counts: LedgerCounts, *, superseded: int, quarantined: int, loaded: int) -> None:
    """Check that the figures of a whole run add up.

    ``superseded`` results lost a collision, ``quarantined`` ones were refused by the table during
    the load, ``loaded`` ones were written.

    Raises:
        CheckFailed: an item is counted nowhere or twice; the message is the equation.
    """
    if counts.read != counts.kept + counts.dropped + counts.rejected:
        message = (
            f"{counts.read:,} items were read, but {counts.kept:,} kept + {counts.dropped:,} "
            f"dropped + {counts.rejected:,} rejected = "
            f"{counts.kept + counts.dropped + counts.rejected:,}"
        )
        raise CheckFailed(message)
    if counts.results != loaded + superseded + quarantined:
        message = (
            f"{counts.results:,} items were to be loaded, but {loaded:,} loaded + "
            f"{superseded:,} superseded + {quarantined:,} quarantined = "
            f"{loaded + superseded + quarantined:,}"
        )
        raise CheckFailed(message)
