"""The smallest policy document with the permissions that a caller needs."""

from collections.abc import Iterable
from typing import Any

from retable.runner.doctor.needs import Need

VERSION = "2012-10-17"
"""The version of the policy language."""


def smallest_policy(needs: Iterable[Need]) -> dict[str, Any]:
    """Return the document, one statement per set of resources that actions share."""
    resources: dict[str, set[str]] = {}
    for need in needs:
        resources.setdefault(need.action, set()).add(need.resource)
    actions: dict[tuple[str, ...], list[str]] = {}
    for action, on in sorted(resources.items()):
        # An action on ``*`` needs no narrower resource.
        key = ("*",) if "*" in on else tuple(sorted(on))
        actions.setdefault(key, []).append(action)
    return {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Action": named, "Resource": list(on)}
            for on, named in sorted(actions.items())
        ],
    }
