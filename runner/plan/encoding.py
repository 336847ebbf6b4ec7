"""Plans and the evidence of their steps as JSON, and a plan's fingerprint.

The only module that knows how they are stored on disk.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, get_origin

from cattrs import Converter
from cattrs.strategies import configure_tagged_union

from retable.runner.failure import Refused, Stale
from retable.runner.plan.plan import FORMAT_VERSION, Plan, Step
from retable.runner.plan.step import Link
from retable.runner.report.json import exact_converter
from retable.schema.spec import Provisioned

T = TypeVar("T")

Billing = Literal["on-demand"] | Provisioned
Projection = Literal["all", "keys"] | tuple[str, ...]


FORMATS = {1: "migrate 0.1"}
"""Which version of the program writes each format but this one."""
_BESIDE = ("fingerprint", "plan_id", "applyable", "complete", "errored")
"""What a plan file says about its plan, beside the plan itself."""


def encode_plan(plan: Plan, plan_id: str | None = None) -> bytes:
    """Return ``plan`` as JSON text, described by ``schema/plan.schema.json``, ending in a newline.

    ``plan_id`` names this copy of the plan, which is used once. ``complete`` says that the plan has
    every step, ``errored`` that the spec asks for what cannot be planned, ``applyable`` that
    ``migrate run --plan`` accepts it.
    """
    complete = not plan.unsupported
    body = {
        **_body(plan),
        "fingerprint": fingerprint(plan),
        "plan_id": plan_id,
        "applyable": complete and plan.command == "run",
        "complete": complete,
        "errored": not complete,
    }
    return (json.dumps(body, indent=2, sort_keys=True) + "\n").encode()


def fingerprint(plan: Plan) -> str:
    """Return the SHA-256 over everything in ``plan``, as 64 hex digits."""
    text = json.dumps(_body(plan), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_plan(path: Path) -> Plan:
    """Return the plan in the file ``path``.

    Raises:
        Refused: there is no such file, or it is not a plan.
        Stale: its fingerprint does not match its contents.
    """
    try:
        body = json.loads(path.read_bytes())
        require_format(path, body.get("format_version"))
        claimed = body["fingerprint"]
        for name in _BESIDE:
            body.pop(name, None)
        plan = _converter().structure(body, Plan)
    except Refused:
        raise
    except OSError as error:
        message = f"the plan {path} cannot be read: {error.strerror}"
        raise Refused(message) from error
    except Exception as error:  # cattrs raises groups of many kinds; all mean the same here
        message = f"{path} is not a plan of this version"
        raise Refused(message, "migrate plan SPEC makes a new one") from error
    if claimed != fingerprint(plan):
        message = f"{path} was altered: its fingerprint does not match its steps"
        raise Stale(message, "migrate plan SPEC makes a new one")
    return plan


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


def to_json(value: Any) -> dict[str, Any]:
    """Return a frozen dataclass that a journal holds, such as a step's evidence, as plain JSON."""
    found: dict[str, Any] = _evidence_converter().unstructure(value)
    return found


def from_json(data: Mapping[str, Any], kind: type[T]) -> T:
    """Return the ``kind`` that ``to_json`` wrote as ``data``.

    Raises:
        Exception: ``data`` is not a ``kind``.
    """
    return _evidence_converter().structure(dict(data), kind)


def plan_id_of(path: Path) -> str | None:
    """Return the id of the plan in the file ``path``, if there is one."""
    try:
        plan_id = json.loads(path.read_bytes()).get("plan_id")
    except (OSError, ValueError, AttributeError):
        return None
    return plan_id if isinstance(plan_id, str) else None


def _body(plan: Plan) -> dict[str, Any]:
    """Return ``plan`` as plain JSON values."""
    body: dict[str, Any] = _converter().unstructure(plan)
    return body


@cache
def _converter() -> Converter:
    """Return the converter that tags each step with its kind; cached, as building it is slow."""
    converter = _converter_of(Converter(forbid_extra_keys=True))
    configure_tagged_union(Step, converter, tag_name="kind")
    # A string or a structure: they are distinguished by their JSON type.
    converter.register_structure_hook(Billing, _structure_billing)
    converter.register_structure_hook(Projection, _structure_projection)
    return converter


def _structure_billing(value: Any, _: Any) -> Any:
    """Return a billing mode."""
    return value if isinstance(value, str) else Provisioned(**value)


def _structure_projection(value: Any, _: Any) -> Any:
    """Return an index's projection."""
    return value if isinstance(value, str) else tuple(value)


@cache
def _evidence_converter() -> Converter:
    """Return the converter for what a journal holds; fields with their default are left out."""
    return _converter_of(exact_converter(forbid_extra_keys=True, omit_if_default=True))


def _converter_of(converter: Converter) -> Converter:
    """Teach ``converter`` links and times."""
    converter.register_unstructure_hook_func(_is_link, lambda found: found.id)
    converter.register_structure_hook_func(_is_link, lambda text, _: Link(text))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


def _is_link(kind: Any) -> bool:
    """Return whether ``kind`` is a link to any kind of step."""
    return Link in {kind, get_origin(kind)}
