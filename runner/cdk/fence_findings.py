"""Whether a template's table is fenced from its creation (I9).

It is if its own resource policy denies item writes to all but the loader.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from retable.runner.cdk.cdk_finding import Finding
from retable.runner.cdk.table_in_template import TableResource
from retable.runner.table.resource_policy import WRITE_ACTIONS

Fence = Literal["fenced", "none", "locks-out"]
"""``locks-out``: the policy denies writes to the loader as well."""
EXCEPT = frozenset(["ArnNotEquals", "ArnNotLike", "StringNotEquals", "StringNotLike"])
"""The operators that except the principals in a condition from a denial."""
PRINCIPAL = "aws:principalarn"


def fence_of(table: TableResource, principals: Sequence[str]) -> Fence:
    """Return the policy's effect on writers; ``principals`` are the loader's patterns."""
    found = [_effect_of(one, principals) for one in _statements(table.policy or {})]
    if "locks-out" in found:
        return "locks-out"
    return "fenced" if "fenced" in found else "none"


def prove_unfenced(
    table: TableResource, principals: Sequence[str], variant: str
) -> Iterator[Finding]:
    """Yield whether the last template denies writes for good, as no later step undoes it."""
    if fence_of(table, principals) == "fenced":
        message = f"the {variant} template, the last one, denies writes to {table.address}"
        yield Finding(
            code="stays-fenced",
            subject=table.address,
            message=message,
            hint="set provision.final to a state of the app without that policy",
            weight="acceptable",
        )


def prove_fence(table: TableResource, principals: Sequence[str]) -> Iterator[Finding]:
    """Yield the effect of the present template's table policy on a load."""
    fence = fence_of(table, principals)
    if fence == "none":
        message = f"the present template does not fence {table.address}: the run adds a fence "
        message += "once the table exists, and the table must be empty then"
        hint = "a ResourcePolicy in the template would fence it from its creation"
        yield Finding(
            code="not-fenced", subject=table.address, message=message, hint=hint, weight="note"
        )
    if fence == "locks-out":
        message = f"the policy of {table.address} in the present template denies writes to the "
        message += f"loader, {' or '.join(principals)}"
        hint = "except it in the condition on aws:PrincipalArn"
        yield Finding(
            code="fence-locks-out",
            subject=table.address,
            message=message,
            hint=hint,
            weight="refused",
        )


def _statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the statements of a policy; a single one may be a plain object."""
    found = policy.get("Statement", [])
    listed = found if isinstance(found, list) else [found]
    return [one for one in listed if isinstance(one, Mapping)]


def _effect_of(statement: Mapping[str, Any], principals: Sequence[str]) -> Fence:
    """Return the effect of one statement on writers."""
    if statement.get("Effect") != "Deny" or not _is_for_all(statement.get("Principal")):
        return "none"
    denied = [action for action in WRITE_ACTIONS if _matches_any(action, statement.get("Action"))]
    if not denied or not _is_here(statement.get("Resource", "*")):
        return "none"
    excepted = _excepted(statement.get("Condition"))
    if excepted is None:
        # A condition of another kind may or may not apply to us.
        return "none"
    if not any(_lets_through(principal, excepted) for principal in principals):
        return "locks-out"
    return "fenced" if len(denied) == len(WRITE_ACTIONS) else "none"


def _is_for_all(principal: Any) -> bool:
    if isinstance(principal, Mapping):
        return bool("*" in _listed(principal.get("AWS")))
    return bool(principal == "*")


def _is_here(resource: Any) -> bool:
    """Return whether a statement of the table's policy covers the table, not an index."""
    return any(isinstance(one, str) and "/index/" not in one for one in _listed(resource))


def _excepted(condition: Any) -> list[Any] | None:
    """Return who is excepted from a denial; ``None`` for any other condition."""
    if not condition:
        return []
    if not isinstance(condition, Mapping) or len(condition) != 1:
        return None
    ((operator, keys),) = condition.items()
    if operator not in EXCEPT or not isinstance(keys, Mapping) or len(keys) != 1:
        return None
    ((key, values),) = keys.items()
    return _listed(values) if str(key).lower() == PRINCIPAL else None


def _lets_through(principal: str, excepted: Sequence[Any]) -> bool:
    """Return whether one of the excepted patterns matches ``principal``, perhaps a pattern too."""
    return any(
        isinstance(one, str) and (_matches(principal, one) or _matches(one, principal))
        for one in excepted
    )


def _matches_any(action: str, patterns: Any) -> bool:
    return any(
        isinstance(one, str) and _matches(action.lower(), one.lower()) for one in _listed(patterns)
    )


def _matches(text: str, pattern: str) -> bool:
    """Return whether ``text`` matches an IAM pattern with the wildcards ``*`` and ``?``."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    """Return one value or a list of values as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
