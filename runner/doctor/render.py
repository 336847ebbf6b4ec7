"""A diagnosis for people and for machines."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from retable.runner.doctor.examined import Diagnosis, Finding

FORMAT_VERSION = 1
WORDS = {"ok": "ok", "warning": "warning", "problem": "PROBLEM", "unknown": "not known"}


def as_text(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines of a diagnosis; the policy comes last."""
    for finding in diagnosis.findings:
        yield from _lines(finding)
    counted = (
        f"{diagnosis.count('problem')} problems",
        f"{diagnosis.count('warning')} warnings",
        f"{diagnosis.count('unknown')} unknown",
    )
    yield ""
    yield ", ".join(counted)
    if not diagnosis.is_reached:
        yield "AWS could not be reached, so nothing else was checked"
    if diagnosis.policy is not None:
        yield ""
        yield "The smallest policy that a run needs, by AWS's documentation:"
        yield json.dumps(diagnosis.policy, indent=2)


def as_json(diagnosis: Diagnosis, spec_file: str) -> str:
    """Return a diagnosis for machines."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "spec": spec_file,
        "problems": diagnosis.count("problem"),
        "warnings": diagnosis.count("warning"),
        "unknown": diagnosis.count("unknown"),
        "findings": [asdict(finding) for finding in diagnosis.findings],
        "permissions": [asdict(permission) for permission in diagnosis.permissions],
        "policy": diagnosis.policy,
    }
    return json.dumps(document, indent=2)


def _lines(finding: Finding) -> Iterator[str]:
    """Yield the check, the result and the advice."""
    yield f"{WORDS[finding.outcome]:<9}  {finding.name}: {finding.did}: {finding.found}"
    if finding.advice is not None:
        yield f"{'':<9}  = help: {finding.advice}"
