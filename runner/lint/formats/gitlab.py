"""Findings as GitLab's code quality report, which merge requests show next to the changed lines."""

import hashlib
import json
from collections import Counter
from pathlib import PurePath

from retable.runner.lint.result import LintResult
from retable.runner.text.code_frame import masked

_SEVERITIES = {"error": "major", "warning": "minor"}


def render(result: LintResult) -> str:
    """Return the report. Fingerprints contain no line, so a finding that moves stays the same."""
    seen: Counter[str] = Counter()
    entries = []
    for problem in result.problems:
        path, message = PurePath(problem.file).as_posix(), masked(problem.message)
        identity = f"{path}\0{problem.code}\0{message}"
        seen[identity] += 1
        digest = hashlib.sha256(f"{identity}\0{seen[identity]}".encode(errors="replace"))
        entries.append(
            {
                "description": f"{problem.code} {problem.name}: {message}",
                "check_name": problem.name,
                "fingerprint": digest.hexdigest(),
                "severity": _SEVERITIES[problem.severity],
                "location": {
                    "path": path,
                    "lines": {"begin": problem.span.line, "end": problem.span.end_line},
                },
            }
        )
    return json.dumps(entries, indent=2) + "\n"
