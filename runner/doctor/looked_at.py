"""What the doctor finds: a line for each thing it looked at, and what it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from retable.runner.failure import Failure

Outcome = Literal["ok", "warning", "problem", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """What it is about: ``identity``, ``bucket``, …"""
    did: str
    """How it was looked at."""
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
    """How it is known, or why it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything that was found about one spec."""

    findings: tuple[Finding, ...]
    permissions: tuple[Permission, ...] = ()
    policy: Mapping[str, Any] | None = None
    """The smallest policy document that would do; ``None`` where there is no plan."""
    is_reached: bool = True
    """Whether AWS could be asked at all."""

    def count(self, outcome: Outcome) -> int:
        """Return how many findings came out so."""
        return sum(finding.outcome == outcome for finding in self.findings)


def as_problem(name: str, did: str, failure: Failure) -> Finding:
    """Return the finding of something that failed."""
    return Finding(
        name=name, did=did, found=failure.message, outcome="problem", advice=failure.hint
    )
