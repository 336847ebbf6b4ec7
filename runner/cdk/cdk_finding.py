"""The findings of a proof: each with a code, a subject, and a weight."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from retable.runner.failure import Refused

Code = Literal[
    "billing-differs",
    "deletion-protection",
    "export-expires",
    "export-imported",
    "fence-locks-out",
    "final-change",
    "goes-along",
    "index-differs",
    "key-differs",
    "name-differs",
    "name-generated",
    "needed-later",
    "not-fenced",
    "other-change",
    "pending-change",
    "removal-policy",
    "replicas",
    "rolled-back-create",
    "stays-fenced",
    "stream-replay",
    "switches",
    "table-missing",
    "table-stays",
    "ttl-differs",
    "ttl-early",
    "two-deployments",
    "unknown-value",
]
Weight = Literal["refused", "acceptable", "note"]
"""``refused`` stops the run, ``acceptable`` may be accepted by name, ``note`` is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A fact that a reader must know, or that stops the run."""

    code: Code
    subject: str
    """The names that accept it: a logical id, or the code itself."""
    message: str
    hint: str | None = None
    weight: Weight


def blocking(findings: Iterable[Finding], accepted: Collection[str]) -> tuple[Finding, ...]:
    """Return the findings that stop a run with the names ``accepted`` accepted.

    A nested stack's name accepts all that is in it.
    """
    return tuple(
        finding
        for finding in findings
        if finding.weight == "refused"
        or (finding.weight == "acceptable" and not _is_accepted(finding.subject, accepted))
    )


def require_proven(findings: Sequence[Finding], accepted: Collection[str]) -> None:
    """Require that no finding stops the run.

    Raises:
        Refused: some do; the message lists them all, and the hint the names that can be accepted.
    """
    found = blocking(findings, accepted)
    if not found:
        return
    names = sorted({one.subject for one in found if one.weight == "acceptable"})
    hints = [one.hint for one in found if one.hint is not None]
    if names:
        hints.append(f"accept what is intended by name: {', '.join(names)}")
    message = "; ".join(one.message for one in found)
    raise Refused(message, "; ".join(dict.fromkeys(hints)) or None)


def _is_accepted(subject: str, accepted: Collection[str]) -> bool:
    pieces = subject.split("/")
    return any("/".join(pieces[: count + 1]) in accepted for count in range(len(pieces)))
