"""What a spec allows and demands of a run's figures: rejects, and what checksums cover."""

import math

from retable.schema.spec import Percentage, Spec


def checksum_attributes(spec: Spec) -> frozenset[str] | None:
    """Return the attributes that digests are taken over, the key's among them; ``None`` is all."""
    if spec.verify.checksum == "all":
        return None
    return frozenset([*spec.verify.checksum, *(one.name for one in spec.target.key.attributes)])


def max_rejects(spec: Spec, items: int) -> int:
    """Return how many of ``items`` may be rejected, a percentage rounded down."""
    allowed = spec.transform.max_rejects
    if isinstance(allowed, Percentage):
        return math.floor(items * allowed.percent / 100)
    return allowed
