"""The canonical form of a whole item in one call, to compare what the program stores with."""

from retable.schema.spec import TypedItem
from retable.transforms.canonical import canonical_values, serialize


def canonical_item(item: TypedItem) -> bytes:
    """Return the canonical form of a DynamoDB JSON item as UTF-8 JSON.

    Raises:
        ItemFaultError: some attribute is no value that DynamoDB holds; a ``ValueError``.
    """
    return serialize(canonical_values(item))
