"""The state of a bucket: owner, Region, and the rules that expire or archive its objects."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from retable.runner.aws.session import Aws, connect
from retable.runner.doctor.resources import bucket
from retable.runner.export.location import S3Prefix
from retable.runner.sandbox.server import SandboxServer

PLACE = S3Prefix("acme-exports", "orders")


@pytest.fixture(scope="module")
def bed() -> Iterator[tuple[Aws, Any]]:
    with SandboxServer() as server:
        s3 = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        s3.create_bucket(
            Bucket="acme-exports",
            CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
        )
        yield connect("eu-west-1", environ=server.environment()), s3
        s3.close()


def told(aws: Aws, place: S3Prefix = PLACE, owner: str | None = None) -> list[tuple[str, str]]:
    return [(line.outcome, line.found) for line in bucket("bucket", place, owner, aws)]


def rule(s3: Any, **fields: Any) -> None:
    """Put one lifecycle rule in force."""
    rules: Any = [{"ID": "tidy", "Status": "Enabled", **fields}]
    s3.put_bucket_lifecycle_configuration(
        Bucket="acme-exports", LifecycleConfiguration={"Rules": rules}
    )


def test_a_bucket_that_keeps_its_objects_is_fine(bed: tuple[Aws, Any]) -> None:
    aws, s3 = bed
    s3.delete_bucket_lifecycle(Bucket="acme-exports")
    assert told(aws) == [
        ("ok", "it is in eu-west-1 and belongs to 123456789012"),
        ("ok", "Off"),
        ("ok", "no rule affects them within 35 days"),
    ]
    s3.put_bucket_versioning(Bucket="acme-exports", VersioningConfiguration={"Status": "Enabled"})
    assert ("ok", "Enabled") in told(aws)


def test_an_absent_bucket_is_a_problem(bed: tuple[Aws, Any]) -> None:
    assert told(bed[0], S3Prefix("nobodys", "x")) == [("problem", "there is none")]


def test_a_bucket_of_another_account_is_reported(bed: tuple[Aws, Any]) -> None:
    assert told(bed[0], owner="999999999999")[0] == (
        "problem",
        "it is in eu-west-1 and does not belong to 999999999999",
    )


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        (
            {"Filter": {"Prefix": "orders/"}, "Expiration": {"Days": 7}},
            "the lifecycle rule tidy expires them after 7 days",
        ),
        (
            {"Filter": {"Prefix": ""}, "Expiration": {"Days": 34}},
            "the lifecycle rule tidy expires them after 34 days",
        ),
        (
            {
                "Filter": {"Prefix": "orders/AWSDynamoDB/"},
                "Transitions": [{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}],
            },
            "the lifecycle rule tidy archives them after 1 days",
        ),
    ],
)
def test_a_rule_that_affects_exports_within_35_days_is_a_problem(
    bed: tuple[Aws, Any], fields: dict[str, Any], found: str
) -> None:
    rule(bed[1], **fields)
    assert ("problem", found) in told(bed[0])


@pytest.mark.parametrize(
    "fields",
    [
        {"Filter": {"Prefix": "orders/"}, "Expiration": {"Days": 35}},
        {"Filter": {"Prefix": "users/"}, "Expiration": {"Days": 1}},
        {"Filter": {"Prefix": "orders/"}, "Expiration": {"Days": 1}, "Status": "Disabled"},
        {"Filter": {"Tag": {"Key": "tmp", "Value": "1"}}, "Expiration": {"Days": 1}},
        {
            "Filter": {"Prefix": "orders/"},
            "Transitions": [{"Days": 1, "StorageClass": "STANDARD_IA"}],
        },
    ],
)
def test_other_rules_are_ignored(bed: tuple[Aws, Any], fields: dict[str, Any]) -> None:
    rule(bed[1], **fields)
    assert told(bed[0])[-1] == ("ok", "no rule affects them within 35 days")
