"""Resource-based policies: whether a statement denies a request, and when a policy is in force.

Only Deny is evaluated: every caller belongs to the account and is allowed the rest, like its
administrator. Conditions other than those in ``OPERATORS`` are refused when the
policy is put, never ignored.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from retable.runner.sandbox.dynamodb.api_error import ApiError, invalid

MAX_POLICY_BYTES = 20 * 1024
"""The largest resource-based policy; DynamoDB Developer Guide, "rbac-considerations"."""
PRINCIPAL_KEY = "aws:principalarn"
NO_POLICY = "NO_POLICY"
"""The ExpectedRevisionId that requires that there is no policy yet."""

Statement = Mapping[str, Any]
Policy = Mapping[str, Any]


@dataclass(slots=True)
class PolicyHistory:
    """A table's current policy, and earlier ones in force while a change propagates."""

    text: str | None = None
    revision: str | None = None
    versions: list[tuple[float, Policy | None]] = field(default_factory=list)
    """From when (monotonic seconds) which policy is in force, oldest first."""

    def put(self, text: str | None, revision: str | None, in_force_from: float) -> None:
        """Replace the policy; ``None`` removes it."""
        self.text, self.revision = text, revision
        policy = None if text is None else orjson.loads(text)
        self.versions = [version for version in self.versions if version[0] <= in_force_from]
        self.versions.append((in_force_from, policy))

    def in_force(self, now: float) -> Policy | None:
        """Return the policy in force at ``now``."""
        counting = [policy for since, policy in self.versions if since <= now]
        return counting[-1] if counting else None


def denies(policy: Policy | None, principal: str, action: str, resource: str) -> bool:
    """Return whether ``policy`` denies ``principal`` the ``action`` on ``resource``.

    ``action`` is written like ``dynamodb:PutItem``; principal and resource are ARNs.
    """
    if policy is None:
        return False
    return any(
        statement["Effect"] == "Deny"
        and _covers_action(statement, action)
        and _covers_resource(statement, resource)
        and _covers_principal(statement, principal)
        and _conditions_hold(statement, principal)
        for statement in _listed(policy["Statement"])
    )


def access_denied(principal: str, action: str, resource: str) -> ApiError:
    """Return the answer to a denied request."""
    message = (
        f"User: {principal} is not authorized to perform: {action} on resource: {resource} "
        "with an explicit deny in a resource-based policy"
    )
    return ApiError("AccessDeniedException", message)


def check_policy(text: str, table_arn: str) -> Policy:
    """Return the policy in ``text``.

    Raises:
        ApiError: it is not a policy, is too large, or names another resource.
    """
    policy = _json(text)
    if len(text.encode()) > MAX_POLICY_BYTES:
        message = "Resource-based policy size exceeds the limit of 20480 bytes"
        raise invalid(message)
    fault = _fault_of_policy(policy, table_arn)
    if fault is not None:
        message = f"Invalid policy document: {fault}"
        raise invalid(message)
    return dict(policy)


def _json(text: str) -> Any:
    """Return what ``text`` says as JSON; ``None``, which is no policy, where it is none."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _fault_of_policy(policy: object, table_arn: str) -> str | None:
    """Return the fault of a policy, if any."""
    if not isinstance(policy, dict) or not policy.get("Statement"):
        return "Syntax errors in policy"
    faults = (_fault_of_statement(one, table_arn) for one in _listed(policy["Statement"]))
    return next((fault for fault in faults if fault is not None), None)


def _fault_of_statement(statement: object, table_arn: str) -> str | None:
    """Return what the service would refuse in a statement, or what cannot be evaluated here."""
    if not isinstance(statement, dict) or statement.get("Effect") not in {"Allow", "Deny"}:
        return "Syntax errors in policy"
    for elements in ({"Action", "NotAction"}, {"Principal", "NotPrincipal"}):
        if not elements & set(statement):
            return f"Missing required field {min(elements)}"
    for resource in _listed(statement.get("Resource", [])):
        if resource not in {"*", table_arn} and not resource.startswith(f"{table_arn}/"):
            return f"Policy document contains an invalid resource {resource}"
    for operator, keys in statement.get("Condition", {}).items():
        if operator not in OPERATORS or any(key.lower() != PRINCIPAL_KEY for key in keys):
            return f"the sandbox cannot evaluate the condition {operator} {sorted(keys)}"
    return None


def _covers_action(statement: Statement, action: str) -> bool:
    """Return whether the statement covers ``action``; actions are case-insensitive."""
    if "NotAction" in statement:
        return not _any_like(_listed(statement["NotAction"]), action, fold=True)
    return _any_like(_listed(statement["Action"]), action, fold=True)


def _covers_resource(statement: Statement, resource: str) -> bool:
    """Return whether the statement covers ``resource``; without a Resource it does."""
    if "NotResource" in statement:
        return not _any_like(_listed(statement["NotResource"]), resource)
    return _any_like(_listed(statement.get("Resource", "*")), resource)


def _covers_principal(statement: Statement, principal: str) -> bool:
    """Return whether the statement covers ``principal``."""
    if "NotPrincipal" in statement:
        return not _names_principal(statement["NotPrincipal"], principal)
    return _names_principal(statement["Principal"], principal)


def _names_principal(element: object, principal: str) -> bool:
    """Return whether a Principal element names ``principal`` or its account."""
    names = _listed(element["AWS"] if isinstance(element, dict) else element)
    account = principal.split(":")[4]
    return any(name in {"*", principal, account, f"arn:aws:iam::{account}:root"} for name in names)


def _conditions_hold(statement: Statement, principal: str) -> bool:
    """Return whether every condition holds; several values of one are alternatives."""
    return all(
        OPERATORS[operator](_listed(patterns), principal)
        for operator, keys in statement.get("Condition", {}).items()
        for patterns in keys.values()
    )


def _any_equal(patterns: list[str], value: str) -> bool:
    """Return whether ``value`` is one of ``patterns``."""
    return value in patterns


def _any_like(patterns: list[str], value: str, *, fold: bool = False) -> bool:
    """Return whether ``value`` matches one of ``patterns`` with ``*`` and ``?``."""
    return any(_like(pattern, value, fold=fold) for pattern in patterns)


def _like(pattern: str, value: str, *, fold: bool) -> bool:
    """Return whether ``value`` matches ``pattern``."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, value, re.IGNORECASE if fold else 0) is not None


def _any_arn_like(patterns: list[str], value: str) -> bool:
    """Return whether ``value`` matches one of ``patterns``, part by part of an ARN."""
    parts = value.split(":", 5)
    return any(
        len(pattern.split(":", 5)) == len(parts)
        and all(
            _like(wanted, part, fold=False)
            for wanted, part in zip(pattern.split(":", 5), parts, strict=True)
        )
        for pattern in patterns
    )


def _not(test: Callable[[list[str], str], bool]) -> Callable[[list[str], str], bool]:
    """Return the opposite of a condition operator."""

    def negated(patterns: list[str], value: str) -> bool:
        return not test(patterns, value)

    return negated


# ArnEquals and ArnLike are the same; IAM User Guide,
# "reference_policies_elements_condition_operators".
OPERATORS: Mapping[str, Callable[[list[str], str], bool]] = {
    "ArnEquals": _any_arn_like,
    "ArnLike": _any_arn_like,
    "ArnNotEquals": _not(_any_arn_like),
    "ArnNotLike": _not(_any_arn_like),
    "StringEquals": _any_equal,
    "StringNotEquals": _not(_any_equal),
    "StringLike": _any_like,
    "StringNotLike": _not(_any_like),
}


def _listed(value: Any) -> list[Any]:
    """Return ``value`` as a list."""
    return value if isinstance(value, list) else [value]
