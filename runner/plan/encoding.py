"""Plans as JSON, and a plan's fingerprint.

What reads a plan of any format is in ``head``; what a journal holds, in ``facts``.
"""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

from cattrs import Converter
from cattrs.strategies import configure_tagged_union

from retable.runner.failure import Refused, Stale
from retable.runner.plan.converters import with_links_and_times
from retable.runner.plan.head import require_format
from retable.runner.plan.plan import Plan, Step
from retable.schema.spec import Provisioned

Billing = Literal["on-demand"] | Provisioned
Projection = Literal["all", "keys"] | tuple[str, ...]
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


def _body(plan: Plan) -> dict[str, Any]:
    """Return ``plan`` as plain JSON values."""
    body: dict[str, Any] = _converter().unstructure(plan)
    return body


@cache
def _converter() -> Converter:
    """Return the converter that tags each step with its kind; cached, as building it is slow."""
    converter = with_links_and_times(Converter(forbid_extra_keys=True))
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
