"""Why an item cannot become a target item, as an exception inside the kernel.

It never leaves ``Mapping.apply``, which turns it into ``Rejected``. The functions that take one
value or item (``canonical``, ``describe``) let it escape; there it is an ordinary ``ValueError``.
"""

from retable.schema.reasons import Reason

MAX_SHOWN_NAME = 80
"""Characters of an attribute name shown in a detail; a name may have 65,535 bytes."""


class ItemFaultError(ValueError):
    """One reason to reject an item. ``detail`` may name attributes, never their values."""

    def __init__(self, reason: Reason, detail: str) -> None:
        """Keep both; the detail is the message."""
        self.reason = reason
        self.detail = detail
        super().__init__(detail)

    def inside(self, name: str) -> "ItemFaultError":
        """Return the same fault, prefixed with the attribute it was found in."""
        return ItemFaultError(self.reason, f"attribute {shown(name)}: {self.detail}")


def shown(name: str) -> str:
    """Return an attribute name, quoted, as details show it."""
    return repr(name if len(name) <= MAX_SHOWN_NAME else name[:MAX_SHOWN_NAME] + "…")
