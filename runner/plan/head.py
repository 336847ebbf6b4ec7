"""What a plan file of any format says of itself: its format, its id, what it is of.

Reading the plan itself is ``encoding``'s.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from retable.runner.failure import Refused
from retable.runner.plan.plan import FORMAT_VERSION

FORMATS = {1: "migrate 0.1"}
"""Which version of the program writes each format but this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHead:
    """What a plan file of any format says: enough to list runs and to find one among them."""

    format_version: int
    command: str
    spec_name: str
    spec_sha256: str
    functions_sha256: str | None
    restores: str | None

    @property
    def is_readable(self) -> bool:
        """Return whether this version of the program reads the whole plan."""
        return self.format_version == FORMAT_VERSION


def read_head(path: Path) -> PlanHead | None:
    """Return the head of the plan in the file ``path``; ``None`` if that is not a plan."""
    try:
        body = json.loads(path.read_bytes())
        return PlanHead(
            format_version=int(body["format_version"]),
            command=str(body["command"]),
            spec_name=str(body["spec_name"]),
            spec_sha256=str(body["spec_sha256"]),
            functions_sha256=body.get("functions_sha256"),
            restores=body.get("restores"),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def writer_of(format_version: int) -> str:
    """Return which version of the program writes ``format_version``."""
    return FORMATS.get(format_version, "a newer migrate")


def require_format(path: Path, found: object) -> None:
    """Refuse a file of a run or plan that another version of the program wrote.

    Raises:
        Refused: it has another format; names the version that reads it.
    """
    if found != FORMAT_VERSION:
        version = found if isinstance(found, int) else 1
        message = f"{path} has format {version}, expected {FORMAT_VERSION}: "
        raise Refused(message + f"only {writer_of(version)} can finish what it belongs to")


def plan_id_of(path: Path) -> str | None:
    """Return the id of the plan in the file ``path``, if there is one."""
    try:
        plan_id = json.loads(path.read_bytes()).get("plan_id")
    except (OSError, ValueError, AttributeError):
        return None
    return plan_id if isinstance(plan_id, str) else None
