"""Whether the caller has the plan's permissions: by IAM's simulator, else by earlier answers.

Without the simulator, a harmless call that the doctor made anyway proves its permission; a
write has no such proof and stays unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from retable.runner.aws.errors import DENIED, S3_ACTIONS
from retable.runner.aws.session import Answered
from retable.runner.aws.simulate import CannotSimulateError, Decision
from retable.runner.doctor.examined import Finding, Permission
from retable.runner.doctor.needs import Need

DID = (
    "simulated the caller's permissions "
    "(iam:SimulatePrincipalPolicy; written from its reference, not tested on AWS)"
)
PREFIXES = {"application-auto-scaling": "application-autoscaling", "cloudwatch-logs": "logs"}
"""Services whose IAM prefix differs from botocore's name."""
MOST_SHOWN = 20
ANSWERED, REFUSED = "a call was answered", "a call was denied"
FOUND_NOTHING = frozenset(["PolicyNotFoundException", "ResourceNotFoundException", "NoSuchKey"])
"""Errors that occur after the permission check."""

Simulate = Callable[[Sequence[str], Sequence[str]], tuple[Decision, ...]]


def judge(
    needs: Iterable[Need], simulate: Simulate, answers: Sequence[Answered]
) -> tuple[Permission, ...]:
    """Return the decision on each need.

    Raises:
        Stopped: IAM does not answer.
    """
    needed = sorted(set(needs))
    try:
        decisions = {
            (decision.action, decision.resource): decision
            for actions, resource in _grouped(needed)
            for decision in simulate(actions, [resource])
        }
    except CannotSimulateError as error:
        return tuple(_by_calls(need, answers, str(error)) for need in needed)
    return tuple(_by_decision(need, decisions.get((need.action, need.resource))) for need in needed)


def findings(permissions: Sequence[Permission]) -> Iterator[Finding]:
    """Yield one finding for all that is allowed, one per denial, one for the rest."""
    allowed = sum(permission.outcome == "ok" for permission in permissions)
    denied = [permission for permission in permissions if permission.outcome == "problem"]
    unknown = [permission for permission in permissions if permission.outcome == "unknown"]
    reasons = sorted({permission.how for permission in unknown})
    by_calls = any(permission.how in {ANSWERED, REFUSED} for permission in permissions)
    did = f"{DID}, else checked the earlier answers" if by_calls else DID
    yield Finding(name="permissions", did=did, found=f"{allowed} of {len(permissions)} are allowed")
    for permission in denied[:MOST_SHOWN]:
        yield Finding(
            name="permissions",
            did=DID,
            found=f"{permission.action} on {permission.resource} is denied: {permission.how}",
            outcome="problem",
            advice="attach the policy below to the caller",
        )
    if len(denied) > MOST_SHOWN:
        found = f"{len(denied) - MOST_SHOWN} more are denied"
        advice = "--format json lists them; attach the policy below to the caller"
        yield Finding(name="permissions", did=DID, found=found, outcome="problem", advice=advice)
    if unknown:
        yield Finding(
            name="permissions",
            did=DID,
            found=f"{len(unknown)} are unknown: {'; '.join(reasons)}",
            outcome="unknown",
            advice="compare the policy below with the caller's own",
        )


def _grouped(needs: Sequence[Need]) -> Iterator[tuple[list[str], str]]:
    """Yield the actions on each resource, so that one simulation covers them all."""
    for resource in sorted({need.resource for need in needs}):
        yield [need.action for need in needs if need.resource == resource], resource


def _by_decision(need: Need, decision: Decision | None) -> Permission:
    """Return what IAM decided."""
    if decision is None:
        return _permission(need, "unknown", "IAM gave no decision")
    if decision.is_allowed:
        return _permission(need, "ok", "IAM allows it")
    if decision.missing:
        keys = ", ".join(decision.missing)
        return _permission(need, "unknown", f"it depends on {keys}")
    word = "a policy denies it" if decision.decision == "explicitDeny" else "no policy allows it"
    return _permission(need, "problem", word)


def _by_calls(need: Need, answers: Sequence[Answered], why: str) -> Permission:
    """Return the decision on an action from the calls that were made."""
    codes = {answer.code for answer in answers if _action_of(answer) == need.action}
    if codes & DENIED:
        return _permission(need, "problem", REFUSED)
    if codes & {None, *FOUND_NOTHING}:
        return _permission(need, "ok", ANSWERED)
    return _permission(need, "unknown", why)


def _action_of(answer: Answered) -> str:
    """Return the permission that a call needs."""
    if answer.service == "s3":
        return S3_ACTIONS.get(answer.operation, f"s3:{answer.operation}")
    return f"{PREFIXES.get(answer.service, answer.service)}:{answer.operation}"


def _permission(need: Need, outcome: str, how: str) -> Permission:
    return Permission(
        action=need.action,
        resource=need.resource,
        outcome=outcome,  # type: ignore[arg-type]  # one of Outcome's words, all above
        how=how,
    )
