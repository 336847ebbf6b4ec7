"""Whether the caller may do what the plan needs: IAM is asked, else what was answered counts.

Where IAM does not say, a harmless call that the doctor made anyway proves its own permission; a
write is proved by nothing but itself, so that it stays unknown.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from retable.runner.aws.errors import DENIED, S3_ACTIONS
from retable.runner.aws.session import Answered
from retable.runner.aws.simulate import CannotSimulateError, Decision
from retable.runner.doctor.looked_at import Finding, Permission
from retable.runner.doctor.needs import Need

DID = (
    "asked IAM what the caller may do "
    "(iam:SimulatePrincipalPolicy; understood after its reference, not tried on AWS)"
)
PREFIXES = {"application-auto-scaling": "application-autoscaling", "cloudwatch-logs": "logs"}
"""Services whose permissions begin otherwise than botocore calls them."""
MOST_SHOWN = 20
ANSWERED, REFUSED = "a call was answered", "a call was denied"
FOUND_NOTHING = frozenset(["PolicyNotFoundException", "ResourceNotFoundException", "NoSuchKey"])
"""Errors that come from behind the check of permissions."""

Simulate = Callable[[Sequence[str], Sequence[str]], tuple[Decision, ...]]


def judge(
    needs: Iterable[Need], simulate: Simulate, answers: Sequence[Answered]
) -> tuple[Permission, ...]:
    """Return whether each need is met.

    Raises:
        Stopped: IAM does not answer.
    """
    wanted = sorted(set(needs))
    try:
        decisions = {
            (decision.action, decision.resource): decision
            for actions, resource in _grouped(wanted)
            for decision in simulate(actions, [resource])
        }
    except CannotSimulateError as error:
        return tuple(_by_calls(need, answers, str(error)) for need in wanted)
    return tuple(_by_decision(need, decisions.get((need.action, need.resource))) for need in wanted)


def findings(permissions: Sequence[Permission]) -> Iterator[Finding]:
    """Yield a line for all that is allowed, one for each that is denied, one for the rest."""
    allowed = sum(permission.outcome == "ok" for permission in permissions)
    denied = [permission for permission in permissions if permission.outcome == "problem"]
    unknown = [permission for permission in permissions if permission.outcome == "unknown"]
    hows = sorted({permission.how for permission in unknown})
    by_calls = any(permission.how in {ANSWERED, REFUSED} for permission in permissions)
    did = f"{DID}, else looked at what was answered" if by_calls else DID
    yield Finding(name="permissions", did=did, found=f"{allowed} of {len(permissions)} are allowed")
    for permission in denied[:MOST_SHOWN]:
        yield Finding(
            name="permissions",
            did=DID,
            found=f"{permission.action} on {permission.resource} is denied: {permission.how}",
            outcome="problem",
            advice="give the caller the policy below",
        )
    if len(denied) > MOST_SHOWN:
        found = f"{len(denied) - MOST_SHOWN} more are denied"
        advice = "--format json lists them; give the caller the policy below"
        yield Finding(name="permissions", did=DID, found=found, outcome="problem", advice=advice)
    if unknown:
        yield Finding(
            name="permissions",
            did=DID,
            found=f"{len(unknown)} are not known: {'; '.join(hows)}",
            outcome="unknown",
            advice="compare the policy below with the caller's own",
        )


def _grouped(needs: Sequence[Need]) -> Iterator[tuple[list[str], str]]:
    """Yield the actions on each resource, so that one question asks for all of them."""
    for resource in sorted({need.resource for need in needs}):
        yield [need.action for need in needs if need.resource == resource], resource


def _by_decision(need: Need, decision: Decision | None) -> Permission:
    """Return what IAM decided."""
    if decision is None:
        return _permission(need, "unknown", "IAM did not say")
    if decision.is_allowed:
        return _permission(need, "ok", "IAM allows it")
    if decision.missing:
        keys = ", ".join(decision.missing)
        return _permission(need, "unknown", f"it depends on {keys}")
    word = "a policy denies it" if decision.decision == "explicitDeny" else "no policy allows it"
    return _permission(need, "problem", word)


def _by_calls(need: Need, answers: Sequence[Answered], why: str) -> Permission:
    """Return what the calls that were made say of an action."""
    codes = {answer.code for answer in answers if _action_of(answer) == need.action}
    if codes & DENIED:
        return _permission(need, "problem", REFUSED)
    if codes & {None, *FOUND_NOTHING}:
        return _permission(need, "ok", ANSWERED)
    return _permission(need, "unknown", why)


def _action_of(answer: Answered) -> str:
    """Return the permission that a call stands for."""
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
