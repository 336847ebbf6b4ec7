"""Functions of order-tiers.migrate.yaml. They run only with --allow-functions."""

from decimal import Decimal

from retable.transforms import function

TIERS = ((Decimal(500), "gold"), (Decimal(100), "silver"))


@function("tier(total: number) -> string")
def tier(total: Decimal) -> str:
    """Return the tier of an order by its total."""
    return next((name for least, name in TIERS if total >= least), "plain")


@function("initials(name: string | null) -> string | null")
def initials(name: str | None) -> str | None:
    """Shorten a name to its first letters; null stays null."""
    return "".join(word[0] for word in name.split()) if name else None
