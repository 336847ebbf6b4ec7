"""Reads, changes and removes resource policies of tables, each by compare-and-set."""

import json
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import (
    PolicyRefused,
    PolicyUnsupported,
    code_of,
    is_unknown_call,
    translated_errors,
)
from retable.runner.clock import Clock
from retable.runner.failure import CheckFailed
from retable.runner.table.requests import NO_POLICY, resource_policy

POLICY_PAUSE_SECONDS = 15.0
"""How long a policy cannot be changed again; AWS: "Resource-based policy considerations"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A table's resource policy, and when it was read, by the service's clock."""

    text: str
    revision_id: str
    seen_at: datetime


class Policies:
    """The resource policies of the tables of one account and Region."""

    def __init__(self, dynamodb: Any, clock: Clock, pause: float) -> None:
        """Use boto3's client ``dynamodb``; wait ``pause`` seconds between a table's changes."""
        self._client = dynamodb
        self._clock = clock
        self._pause = pause
        self._free: dict[str, float] = {}
        # A killed process may have changed any of them a moment ago.
        self._all_free = clock.monotonic() + pause

    def get(self, arn: str) -> Policy | None:
        """Return the table's resource policy, or ``None``.

        Raises:
            PolicyUnsupported: the endpoint does not support resource policies.
        """
        with translated_errors(f"reading the policy of {arn}"):
            try:
                answer = self._client.get_resource_policy(ResourceArn=arn)
            except ClientError as error:
                if code_of(error) == "PolicyNotFoundException":
                    return None
                raise _or_unsupported(error) from error
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        return Policy(
            text=answer["Policy"],
            revision_id=answer["RevisionId"],
            seen_at=parsedate_to_datetime(date),
        )

    def put(self, arn: str, text: str, expected_revision: str | None) -> None:
        """Set the table's policy, if it still has the expected one (``None``: none).

        Raises:
            CheckFailed: someone else has changed it.
            PolicyRefused: the service rejects the text as a policy.
            PolicyUnsupported: the endpoint does not support resource policies.
        """
        request = resource_policy(arn, text, expected_revision or NO_POLICY)
        self._await_turn(_name_of(arn))
        with translated_errors(f"changing the policy of {arn}"):
            try:
                request.send(self._client)
                self.hold(_name_of(arn))
            except ClientError as error:
                if code_of(error) == "ValidationException":
                    message = f"the service rejects the policy for {arn}"
                    raise PolicyRefused(message, "check the table's current policy") from error
                if code_of(error) != "PolicyNotFoundException":
                    raise _or_unsupported(error) from error
                # A retry after a lost answer finds its own change.
                present = self.get(arn)
                if present is None or json.loads(present.text) != json.loads(text):
                    raise _changed(arn) from error

    def delete(self, arn: str, expected_revision: str) -> None:
        """Remove the table's policy, if it is still the expected one.

        Raises:
            CheckFailed: someone else has changed it.
        """
        self._await_turn(_name_of(arn))
        with translated_errors(f"removing the policy of {arn}"):
            try:
                self._client.delete_resource_policy(
                    ResourceArn=arn, ExpectedRevisionId=expected_revision
                )
                self.hold(_name_of(arn))
            except ClientError as error:
                if code_of(error) != "PolicyNotFoundException":
                    raise
                # The same code means "there is none" and "there is another one".
                if self.get(arn) is not None:
                    raise _changed(arn) from error

    def _await_turn(self, table: str) -> None:
        """Wait until the policy of ``table`` can be changed again."""
        wait = self._free.get(table, self._all_free) - self._clock.monotonic()
        if wait > 0:
            self._clock.sleep(wait)

    def hold(self, table: str) -> None:
        """Record that the policy of ``table`` was just changed."""
        self._free[table] = self._clock.monotonic() + self._pause


def _name_of(arn: str) -> str:
    return arn.rpartition("/")[2]


def _or_unsupported(error: ClientError) -> Exception:
    """Return ``PolicyUnsupported`` for an endpoint without resource policies, else ``error``."""
    if is_unknown_call(error):
        return PolicyUnsupported("the endpoint does not support resource policies")
    return error


def _changed(arn: str) -> CheckFailed:
    """Return the failure for a policy that is no longer the expected one."""
    return CheckFailed(f"the policy of {arn} was changed by someone else", "start again")
