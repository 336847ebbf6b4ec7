"""The smallest policy document that gives a caller what it needs."""

from collections.abc import Iterable
from typing import Any

from retable.runner.doctor.needs import Need

VERSION = "2012-10-17"
"""Of the policy language."""


def smallest_policy(needs: Iterable[Need]) -> dict[str, Any]:
    """Return the document, a statement for each set of resources that actions share."""
    resources: dict[str, set[str]] = {}
    for need in needs:
        resources.setdefault(need.action, set()).add(need.resource)
    actions: dict[tuple[str, ...], list[str]] = {}
    for action, on in sorted(resources.items()):
        # An action on anything needs no narrower resource beside it.
        key = ("*",) if "*" in on else tuple(sorted(on))
        actions.setdefault(key, []).append(action)
    return {
        "Version": VERSION,
        "Statement": [
            {"Effect": "Allow", "Action": named, "Resource": list(on)}
            for on, named in sorted(actions.items())
        ],
    }
