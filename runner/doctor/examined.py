"""The doctor's findings: one per check, and the diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retable.runner.failure import Failure

Outcome = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check and its result."""

    name: str
    """The subject: ``identity``, ``bucket``, …"""
    did: str
    """How it was checked."""
    found: str
    outcome: Outcome = "ok"
    advice: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """Whether one action on one resource is allowed."""

    action: str
    resource: str
    outcome: Outcome
    how: str
    """How it is known, or why it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """All findings on one spec."""

    findings: tuple[Finding, ...]
    permissions: tuple[Permission, ...] = ()
    policy: Mapping[str, Any] | None = None
    """The smallest sufficient policy document; ``None`` without a plan."""
    is_reached: bool = True
    """Whether AWS could be reached at all."""

    def count(self, outcome: Outcome) -> int:
        """Return the number of findings with this outcome."""
        return sum(finding.outcome == outcome for finding in self.findings)


def as_problem(name: str, did: str, failure: Failure) -> Finding:
    """Return the finding for a failed check."""
    return Finding(
        name=name, did=did, found=failure.message, outcome="problem", advice=failure.hint
    )
