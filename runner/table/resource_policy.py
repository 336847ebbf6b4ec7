"""Resource policies that stop writes: the freeze of the source and the fence of the target.

Both deny item writes and nothing else; control-plane calls stay allowed, so a run can always
undo its changes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from retable.runner.failure import Refused
from retable.schema.limits import MAX_POLICY_BYTES
from retable.schema.policy import Fault, policy_faults, size_faults, statements_of, texts_of

WRITE_ACTIONS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:PartiQLDelete",
    "dynamodb:PartiQLInsert",
    "dynamodb:PartiQLUpdate",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
)
"""Every action that writes items; transactions need the actions of their parts."""
BULK_WRITE = "dynamodb:StartBulkPutItems"
"""Writes items from S3, since 2026. Not documented as an action that a resource policy may name."""
FREEZE_SID = "RetableFreeze"
FENCE_SID = "RetableFence"


def freeze_policy(table_arn: str, existing: str | None, *, bulk: bool) -> str:
    """Return ``existing`` with a statement that denies item writes to everyone, us included.

    ``bulk``: also deny StartBulkPutItems.

    Raises:
        Refused: together they exceed the maximum policy size.
    """
    return _merged(existing, _deny(FREEZE_SID, table_arn, bulk=bulk))


def fence_policy(
    table_arn: str, principals: Sequence[str], existing: str | None, *, bulk: bool
) -> str:
    """Return ``existing`` with a statement that denies item writes to all but ``principals``.

    ``bulk``: also deny StartBulkPutItems.

    Raises:
        Refused: together they exceed the maximum policy size.
    """
    condition = {"ArnNotLike": {"aws:PrincipalArn": list(principals)}}
    return _merged(existing, {**_deny(FENCE_SID, table_arn, bulk=bulk), "Condition": condition})


def without_fence(text: str) -> str | None:
    """Return the policy ``text`` without our statements; ``None`` where it has no others."""
    ours = (FREEZE_SID, FENCE_SID)
    kept = [other for other in _statements(text) if other.get("Sid") not in ours]
    if not kept:
        return None
    return json.dumps({**json.loads(text), "Statement": kept}, separators=(",", ":"))


def own_policy(text: str) -> str | None:
    """Return the policy ``text`` as it is, or without our statements if it has any."""
    return without_fence(text) if is_ours(text) else text


def is_ours(text: str) -> bool:
    """Return whether the policy ``text`` has a statement of a run."""
    return any(one.get("Sid") in {FREEZE_SID, FENCE_SID} for one in _statements(text))


def faults_of_policy(text: str, table_arn: str) -> Iterator[str]:
    """Yield each fault of ``text`` as the resource policy of the table ``table_arn``."""
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        yield "the policy is not a JSON object"
        return
    found = (*size_faults(text), *policy_faults(policy), *_foreign_resources(policy, table_arn))
    for path, message in found:
        place = ".".join(map(str, path))
        yield f"{place}: {message}" if place else message


def has_freeze(text: str) -> bool:
    """Return whether the policy has the freeze statement, unconditional for every writer."""
    return any(
        statement.get("Sid") == FREEZE_SID and _denies_writes(statement)
        for statement in _statements(text)
    )


def denies_bulk(text: str) -> bool:
    """Return whether the freeze in the policy ``text`` also denies StartBulkPutItems."""
    return any(
        statement.get("Sid") == FREEZE_SID and BULK_WRITE in _actions(statement)
        for statement in _statements(text)
    )


def has_fence(text: str) -> bool:
    """Return whether the policy has the fence statement."""
    return any(statement.get("Sid") == FENCE_SID for statement in _statements(text))


def principals_of(caller_arn: str) -> tuple[str, ...]:
    """Return the patterns of ``aws:PrincipalArn`` that match the caller named by STS.

    An assumed role's ARN names the session and lacks the role's path, while
    ``aws:PrincipalArn`` holds the role with its path.
    """
    head, _, rest = caller_arn.partition(":assumed-role/")
    if not rest:
        return (caller_arn,)
    role = rest.split("/", maxsplit=1)[0]
    iam = head.replace(":sts:", ":iam:", 1)
    return (f"{iam}:role/{role}", f"{iam}:role/*/{role}")


def _foreign_resources(policy: Mapping[str, Any], table_arn: str) -> Iterator[Fault]:
    """Yield each resource that is neither the table, nor below it, nor ``*``."""
    for path, statement in statements_of(policy):
        named = statement.get("Resource", []) if isinstance(statement, dict) else []
        for resource in texts_of(named):
            known = resource == "*" or f"{resource}/".startswith(f"{table_arn}/")
            if isinstance(resource, str) and not known:
                message = f"a policy may only name its own table, {table_arn}; found {resource}"
                yield (*path, "Resource"), message


def _denies_writes(statement: Mapping[str, Any]) -> bool:
    """Return whether our unconditional statement is unchanged."""
    whole = "Condition" not in statement and _actions(statement).issuperset(WRITE_ACTIONS)
    return whole and statement.get("Effect") == "Deny"


def _actions(statement: Mapping[str, Any]) -> set[str]:
    """Return the actions a statement names; a single one may be a plain string."""
    actions = statement.get("Action", ())
    return {actions} if isinstance(actions, str) else set(actions)


def _deny(sid: str, table_arn: str, *, bulk: bool) -> dict[str, Any]:
    """Return a statement that denies item writes to everyone."""
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": [*WRITE_ACTIONS, *([BULK_WRITE] if bulk else [])],
        "Resource": table_arn,
    }


def _merged(existing: str | None, statement: dict[str, Any]) -> str:
    """Return the policy ``existing`` with ``statement``, replacing one with the same Sid."""
    document = json.loads(existing) if existing else {"Version": "2012-10-17"}
    kept = [
        other for other in _statements(existing or "{}") if other.get("Sid") != statement["Sid"]
    ]
    text = json.dumps({**document, "Statement": [*kept, statement]}, separators=(",", ":"))
    if len(text.encode()) > MAX_POLICY_BYTES:
        message = f"the table's resource policy and ours have {len(text.encode()):,} bytes together"
        raise Refused(message, f"a policy may have {MAX_POLICY_BYTES:,}; shorten the table's own")
    return text


def _statements(text: str) -> list[dict[str, Any]]:
    """Return the policy's statements; a single one may be a plain object."""
    statements = json.loads(text).get("Statement", [])
    return statements if isinstance(statements, list) else [statements]
