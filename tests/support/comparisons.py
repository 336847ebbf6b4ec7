"""What a comparison of two ledgers says as a whole."""

from retable.runner.verify.compare import Comparison


def is_equal(found: Comparison) -> bool:
    """Return whether counts and checksums agree and no item differs."""
    return (
        found.expected_count == found.actual_count
        and found.expected_checksum == found.actual_checksum
        and not found.missing + found.extra + found.different
    )
