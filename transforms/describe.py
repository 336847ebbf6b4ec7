"""Describes an item of the target table in the same terms as the mapping's results."""

import orjson

from retable.schema.reasons import Reason
from retable.schema.spec import KeySchema, TypedItem
from retable.transforms.canonical import canonical_values, digest, key_text, serialize
from retable.transforms.item_outcome import Kept, Outcome, Rejected, Result
from retable.transforms.keys import key_rules
from retable.transforms.size import item_size


def describe_item(item: TypedItem, key: KeySchema) -> Result:
    """Return the key, digest and size of an item of the table keyed by ``key``.

    Equal items give equal results, regardless of the order of attributes and set members and of how
    numbers are written.

    Raises:
        ItemFaultError: it is not an item of such a table; a ``ValueError``.
    """
    values = canonical_values(item)
    for rule in key_rules(key):
        rule.check(values.get(rule.attribute.name))
    body = serialize(values)
    text = key_text({one.name: values[one.name] for one in key.attributes})
    return Result(body, text, digest(body), item_size(values))


class Described:
    """The identity mapping of a table keyed by ``key``: each exported line becomes its item."""

    def __init__(self, key: KeySchema) -> None:
        """Describe items of a table keyed by ``key``."""
        self._key = key

    def apply(self, line: bytes) -> Outcome:
        """Return the item on ``line``; a line without an item of such a table is rejected."""
        try:
            return Kept((describe_item(orjson.loads(line)["Item"], self._key),))
        except (ValueError, KeyError, TypeError, AttributeError):
            return Rejected(Reason.MALFORMED_LINE, "not an item of the table")
