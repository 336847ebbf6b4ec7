"""The closed list of reasons for rejecting an item. An item is rejected for no other reason.

A spec names them in row tests (``expect: {rejected: missing-key}``); the ledger and the reports
count items by reason.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why one exported item did not become a target item."""

    MALFORMED_LINE = "malformed-line"
    """The line is not UTF-8, not JSON, not an object, or has no ``Item`` object."""
    MALFORMED_ITEM = "malformed-item"
    """An attribute of the exported item is not a DynamoDB value (``NULL: false``, an empty set)."""
    MISSING_KEY = "missing-key"
    """A key attribute of the target table is absent, or the expression for it failed."""
    WRONG_KEY_TYPE = "wrong-key-type"
    """A key attribute of the target table has a type other than the key schema's."""
    EMPTY_KEY = "empty-key"
    """A key attribute of the target table is an empty string or empty binary."""
    KEY_TOO_LONG = "key-too-long"
    """A partition key over 2,048 bytes or a sort key over 1,024 bytes."""
    MISSING_FIELD = "missing-field"
    """A field with ``required: true`` produced no value."""
    EXPRESSION_ERROR = "expression-error"
    """An expression failed: ``where``, a field that is not a key, a collision's winner."""
    WRONG_FIELD_TYPE = "wrong-field-type"
    """A field's value cannot be converted to its declared ``type``."""
    WRONG_INDEX_KEY_TYPE = "wrong-index-key-type"
    """A key attribute of an index has another type; DynamoDB would refuse the whole item."""
    EMPTY_INDEX_KEY = "empty-index-key"
    """A key attribute of an index is empty; DynamoDB would refuse the whole item."""
    NUMBER_OUT_OF_RANGE = "number-out-of-range"
    """A number has more than 38 digits or is outside 1E-130 to 9.99E+125."""
    TOO_DEEP = "too-deep"
    """A value is nested deeper than DynamoDB's 32 levels."""
    ITEM_TOO_LARGE = "item-too-large"
    """The item is larger than 409,600 bytes."""
    KEPT_EXISTING = "kept-existing"
    """The table already held an item with this key, and the spec says ``on_conflict: keep``."""
    REFUSED_BY_TABLE = "refused-by-table"
    """The table itself refused the item while it was loaded (found by bisection)."""
