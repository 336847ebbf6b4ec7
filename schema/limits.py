"""DynamoDB's own limits and naming rules. Nothing here knows about specs.

Source of the figures, unless noted otherwise: the DynamoDB API reference and the developer guide's
chapter "Quotas in Amazon DynamoDB".
"""

import re
from decimal import Decimal, InvalidOperation

MAX_GLOBAL_INDEXES = 20
MAX_LOCAL_INDEXES = 5
MAX_PROJECTED_ATTRIBUTES = 20
"""Named in one index's projection (Projection.NonKeyAttributes)."""
MAX_PROJECTED_IN_TABLE = 100
"""Named in the projections of all indexes of one table together."""
MAX_ATTRIBUTE_NAME_BYTES = 65_535
MAX_KEY_NAME_BYTES = 255
MAX_NESTING = 32
"""Levels of one attribute value, the value itself being the first."""
MAX_DIGITS = 38
MAX_EXPONENT = 125
"""Greatest adjusted exponent: 9.99…E+125."""
MIN_EXPONENT = -130
MAX_TAGS = 50
MAX_TAG_KEY = 128
RESERVED_TAG_KEY = "aws:"
"""The prefix of AWS's own tag keys, in any case; only AWS can set them."""
MAX_POLICY_BYTES = 20_480
"""White space counts (developer guide, "Resource-based policy considerations")."""
_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}", re.ASCII)
# S3's bucket naming rules for general purpose buckets.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", re.ASCII)
_ADDRESS = re.compile(r"[0-9]+(?:\.[0-9]+){3}", re.ASCII)


def is_table_name(text: str) -> bool:
    """Return whether ``text`` may name a table or an index: 3 to 255 of ``a-z A-Z 0-9 _ . -``."""
    return _NAME.fullmatch(text) is not None


def is_attribute_name(text: str) -> bool:
    """Return whether ``text`` may name an attribute: 1 to 65,535 bytes of UTF-8."""
    return 0 < len(text.encode()) <= MAX_ATTRIBUTE_NAME_BYTES


def is_key_name(text: str) -> bool:
    """Return whether ``text`` may name a key attribute of a table or an index: 1 to 255 bytes."""
    return 0 < len(text.encode()) <= MAX_KEY_NAME_BYTES


def is_tag_key(text: str) -> bool:
    """Return whether ``text`` may be a tag key that is not AWS's own: 1 to 128 characters."""
    return 0 < len(text) <= MAX_TAG_KEY and not text.lower().startswith(RESERVED_TAG_KEY)


def is_bucket_name(text: str) -> bool:
    """Return whether ``text`` may name an S3 bucket."""
    return (
        _BUCKET.fullmatch(text) is not None
        and ".." not in text
        and _ADDRESS.fullmatch(text) is None
    )


def parse_number(text: str) -> Decimal:
    """Parse ``text`` as an exact decimal number.

    Raises:
        ValueError: ``text`` is not a finite decimal number, or one that DynamoDB cannot hold: more
            than 38 digits, or a magnitude outside 1E-130 to 9.99E+125.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite() or not text.isascii() or "_" in text or text.strip() != text:
        message = "not a decimal number"
        raise ValueError(message)
    digits = "".join(map(str, number.as_tuple().digits)).strip("0")
    if len(digits) > MAX_DIGITS:
        message = f"a number of {len(digits)} digits; DynamoDB holds {MAX_DIGITS} at most"
        raise ValueError(message)
    if digits and not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        message = "a number outside 1E-130 to 9.99E+125, which is what DynamoDB holds"
        raise ValueError(message)
    return number
