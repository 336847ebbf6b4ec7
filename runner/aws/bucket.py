"""The state of a bucket: owner, Region, versioning, lifecycle rules. Reads only."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import DENIED, code_of, translated_errors

ABSENT = frozenset(["404", "NoSuchBucket", "NotFound"])
NO_RULES = "NoSuchLifecycleConfiguration"
FROZEN = frozenset(["GLACIER", "DEEP_ARCHIVE"])
"""Storage classes whose objects must be restored before they can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A lifecycle rule that expires or archives objects."""

    name: str
    prefix: str
    days: int
    """After how many days; 0 where the rule names a date."""
    word: str
    """Its action: ``expires`` or ``archives``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketState:
    """A bucket as the caller sees it."""

    region: str | None
    is_expected_owners: bool
    """Whether it belongs to the expected account."""
    versioning: str | None
    """``Enabled``, ``Suspended`` or ``Off``; ``None`` if the caller may not read it."""
    rules: tuple[Rule, ...] | None
    """``None`` if the caller may not read them."""

    def rules_on(self, prefix: str) -> tuple[Rule, ...]:
        """Return the rules that expire or archive an object below ``prefix``."""
        return tuple(
            rule
            for rule in self.rules or ()
            if prefix.startswith(rule.prefix) or rule.prefix.startswith(prefix)
        )


def read_bucket(client: Any, bucket: str, owner: str | None) -> BucketState | None:
    """Return the state of the bucket, or ``None`` if it does not exist; ``client`` is boto3's S3.

    Raises:
        Stopped: S3 does not answer, or denies the caller access.
    """
    with translated_errors(f"reading the bucket {bucket}", "s3"):
        try:
            head, is_owners = _head(client, bucket, owner)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return None
            raise
        headers = head["ResponseMetadata"]["HTTPHeaders"]
        versioning = _if_allowed(client.get_bucket_versioning, bucket)
        rules = _if_allowed(client.get_bucket_lifecycle_configuration, bucket)
    return BucketState(
        region=head.get("BucketRegion") or headers.get("x-amz-bucket-region"),
        is_expected_owners=is_owners,
        versioning=None if versioning is None else versioning.get("Status", "Off"),
        rules=None if rules is None else tuple(_rules(rules)),
    )


def _head(client: Any, bucket: str, owner: str | None) -> tuple[dict[str, Any], bool]:
    """Return HeadBucket's answer, and whether the bucket is the expected owner's."""
    expected = {} if owner is None else {"ExpectedBucketOwner": owner}
    try:
        return client.head_bucket(Bucket=bucket, **expected), True
    except ClientError as error:
        if owner is None or code_of(error) not in DENIED:
            raise
    return client.head_bucket(Bucket=bucket), False


def _if_allowed(call: Any, bucket: str) -> dict[str, Any] | None:
    """Return the answer, an empty one if nothing is set, or ``None`` if the caller is denied."""
    try:
        answer: dict[str, Any] = call(Bucket=bucket)
    except ClientError as error:
        if code_of(error) == NO_RULES:
            return {}
        if code_of(error) in DENIED:
            return None
        raise
    return answer


def _rules(answer: Mapping[str, Any]) -> Iterator[Rule]:
    """Yield the enabled rules that expire or archive objects without tags."""
    for rule in answer.get("Rules", ()):
        chosen = rule.get("Filter", {})
        both = chosen.get("And", {})
        # The objects of exports and runs have no tags.
        if rule.get("Status") != "Enabled" or "Tag" in chosen or both.get("Tags"):
            continue
        prefix = chosen.get("Prefix", both.get("Prefix", rule.get("Prefix", "")))
        name = rule.get("ID", "without a name")
        expiry = rule.get("Expiration", {})
        if "Days" in expiry or "Date" in expiry:
            yield Rule(name=name, prefix=prefix, days=expiry.get("Days", 0), word="expires")
        for move in rule.get("Transitions", ()):
            if move.get("StorageClass") in FROZEN:
                yield Rule(name=name, prefix=prefix, days=move.get("Days", 0), word="archives")
