"""Checks what a principal may do without doing it: iam:SimulatePrincipalPolicy.

It covers the principal's policies and the organization's, not those of a table or a
bucket. Written from the API reference and tested on answers of that shape, not on AWS itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from retable.runner.aws.errors import DENIED, code_of, is_unknown_call, translated_errors

ALLOWED = "allowed"
ROLE = ":assumed-role/"
ABSENT = "NoSuchEntity"
UNANSWERED = frozenset(["InvalidInput", "PolicyEvaluation"])
"""The simulator's other errors, by its API reference: in the request, and in a policy."""
NO_SIMULATOR = "this endpoint does not simulate policies"


class CannotSimulateError(Exception):
    """The simulator gave no answer; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The simulator's decision on one action on one resource."""

    action: str
    resource: str
    decision: str
    """``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    missing: tuple[str, ...] = ()
    """Condition keys that a policy needs and the simulation lacks."""

    @property
    def is_allowed(self) -> bool:
        """Return whether the action is allowed."""
        return self.decision == ALLOWED


def simulate(
    iam: Any, caller: str, actions: Sequence[str], resources: Sequence[str]
) -> tuple[Decision, ...]:
    """Return the decision on every action on every resource, for the caller that STS names.

    ``iam`` is boto3's client.

    Raises:
        CannotSimulateError: the caller may not simulate, cannot be simulated, or the
            endpoint has no simulator.
        Stopped: IAM does not answer.
    """
    request: dict[str, Any] = {"ActionNames": list(actions)}
    if "*" not in resources:
        request["ResourceArns"] = list(resources)
    with translated_errors("simulating the caller's permissions", "iam"):
        try:
            source = principal_of(iam, caller)
            pages = iam.get_paginator("simulate_principal_policy").paginate(
                PolicySourceArn=source, **request
            )
            results = [result for page in pages for result in page["EvaluationResults"]]
        except ClientError as error:
            raise _cannot(error) from error
        except ResponseParserError as error:
            raise CannotSimulateError(NO_SIMULATOR) from error
    return tuple(decision for result in results for decision in _decisions(result, resources))


def principal_of(iam: Any, caller: str) -> str:
    """Return the ARN that policies are attached to; a session's ARN lacks its role's path.

    Raises:
        CannotSimulateError: nothing is attached to a caller of this kind.
    """
    if ROLE in caller:
        head, _, rest = caller.partition(ROLE)
        role = rest.partition("/")[0]
        try:
            return str(iam.get_role(RoleName=role)["Role"]["Arn"])
        except ClientError as error:
            if code_of(error) not in DENIED:
                raise
            # Most roles have no path.
            return f"{head.replace(':sts:', ':iam:', 1)}:role/{role}"
    if ":user/" in caller:
        return caller
    message = (
        f"{caller} is neither a user nor a role" if caller else "this endpoint has no identities"
    )
    raise CannotSimulateError(message)


def _cannot(error: ClientError) -> Exception:
    """Return the reason for no answer, or the error itself."""
    code = code_of(error)
    if code in DENIED:
        return CannotSimulateError("the caller may not call iam:SimulatePrincipalPolicy")
    if code == ABSENT:
        return CannotSimulateError("IAM does not find the caller by its name; its role has a path")
    if code in UNANSWERED:
        return CannotSimulateError(f"IAM could not simulate the permissions ({code})")
    if is_unknown_call(error) or code == "InternalFailure":
        return CannotSimulateError(NO_SIMULATOR)
    return error


def _decisions(result: Mapping[str, Any], resources: Sequence[str]) -> Iterator[Decision]:
    """Yield the decision on each resource; a result without details applies to all of them.

    The answer has one result per action, with the strictest decision on its resources.
    """
    action = str(result["EvalActionName"])
    special = {
        entry["EvalResourceName"]: entry for entry in result.get("ResourceSpecificResults", ())
    }
    for resource in resources:
        entry = special.get(resource)
        decision = entry["EvalResourceDecision"] if entry else result["EvalDecision"]
        missing = (entry or result).get("MissingContextValues", ())
        yield Decision(
            action=action, resource=resource, decision=str(decision), missing=tuple(missing)
        )
