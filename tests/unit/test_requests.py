"""Requests checked against the services' models: a refusal is known before the delete."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from retable.runner.failure import Refused
from retable.runner.plan.finish_steps import RestoreSettings, TargetExport, VerifyTable
from retable.runner.plan.plan import Step
from retable.runner.plan.step import Link, requests_of
from retable.runner.plan.target_steps import (
    BulkPutItems,
    CreateTable,
    ImportTable,
    StageItems,
)
from retable.runner.table import requests
from retable.runner.table.requests import Request
from retable.runner.table.settings import Attached, Kinesis, Scaling, ScalingPolicy, WarmThroughput
from retable.runner.table.validate_requests import faults_of, require_valid
from support.attached import STREAM, TRACKING
from support.observed import ARN

BOUNDS = Scaling(
    index="by_status",
    side="Write",
    least=2,
    most=900,
    suspended={"ScheduledScalingSuspended": True},
    policies=(ScalingPolicy(name="keep at 70 %", tracking=TRACKING),),
)
EVERYTHING = RestoreSettings(
    id="settings",
    create=Link("create"),
    ttl="expires_at",
    stream="NEW_IMAGE",
    pitr=True,
    pitr_days=7,
    deletion_protection=True,
    tags={"team": "shop"},
    attached=Attached(
        scaling=(BOUNDS, replace(BOUNDS, index="", suspended={})),
        kinesis=(Kinesis(stream_arn=STREAM, precision="MICROSECOND"),),
        insights={"": "THROTTLED_KEYS", "by_status": "ACCESSED_AND_THROTTLED_KEYS"},
        warm={
            "": WarmThroughput(read=13_000, write=5_000),
            "by_status": WarmThroughput(read=13_000, write=5_000),
        },
    ),
)


def test_i8_every_setting_has_its_request_and_all_of_them_are_valid() -> None:
    asked = list(requests_of([EVERYTHING], ARN))
    assert [request.operation for request in asked] == [
        "TagResource",
        "UpdateTimeToLive",
        "UpdateContinuousBackups",
        "UpdateTable",
        "UpdateTable",
        "UpdateTable",
        "UpdateTable",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "RegisterScalableTarget",
        "PutScalingPolicy",
        "UpdateContributorInsights",
        "UpdateContributorInsights",
        "EnableKinesisStreamingDestination",
    ]
    assert [fault for request in asked for fault in faults_of(request)] == []


STAGE = StageItems(
    id="stage", dry_run=Link("dry-run"), bucket="acme-exports", prefix="orders", bucket_owner=None
)
EXPORT = TargetExport(
    bucket="acme-exports", prefix="orders", bucket_owner=None, kms_key=None, settle_seconds=0
)
CREATION = {
    "TableName": "orders",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
CREATE = CreateTable(id="create", request=CREATION, replaces=None)
IMPORT = ImportTable(id="create", request=CREATION, replaces=None, stage=Link("stage"))
BULK_PUT = BulkPutItems(
    id="load",
    create=Link("create"),
    dry_run=Link("dry-run"),
    stage=Link("stage"),
    rate=5_000,
)
VERIFY = VerifyTable(
    id="verify",
    table="orders",
    dry_run=Link("dry-run"),
    create=Link("create"),
    load=Link("load"),
    export=EXPORT,
)
MADE: list[tuple[Step, Step, str]] = [
    (CREATE, replace(CREATE, request={**CREATION, "KeySchema": []}), "CreateTable"),
    (
        IMPORT,
        replace(IMPORT, request={**CREATION, "KeySchema": []}),
        "ImportTable",
    ),
    (BULK_PUT, replace(BULK_PUT, rate=1), "StartBulkPutItems"),
    (
        VERIFY,
        replace(VERIFY, export=replace(EXPORT, kms_key="k" * 2049)),
        "ExportTableToPointInTime",
    ),
]


@pytest.mark.parametrize(("sound", "wrong", "operation"), MADE)
def test_i1_requests_that_create_load_and_read_the_table_are_checked_as_well(
    sound: Step, wrong: Step, operation: str
) -> None:
    [request] = requests_of([STAGE, sound], ARN)
    assert (request.operation, list(faults_of(request))) == (operation, [])
    with pytest.raises(Refused, match=f"{operation}: "):
        require_valid(requests_of([STAGE, wrong], ARN))


def scaled(**changes: Any) -> Iterator[Request]:
    return requests.autoscaling("orders", replace(BOUNDS, **changes))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (requests.tagging(ARN, {"AWS:x": ""}), "must not start with aws:; found AWS:x"),
        (requests.tagging(ARN, {"": ""}), "Tags[0].Key, value: 0, valid min length: 1"),
        (requests.tagging(ARN, {"k" * 129: ""}), "Tags[0].Key has at most 128 characters"),
        (requests.tagging(ARN, {"k": "v" * 257}), "Tags[0].Value has at most 256 characters"),
        (requests.tagging(ARN, {str(n): "" for n in range(51)}), "at most 50 tags; found 51"),
        (requests.time_to_live("orders", ""), "AttributeName"),
        (requests.time_to_live("orders", "x" * 256), "AttributeName has at most 255 characters"),
        (requests.recovery("orders", enabled=True, days=0), "RecoveryPeriodInDays"),
        (requests.resource_policy(ARN, "{}", requests.NO_POLICY), "a policy needs a Statement"),
        (next(scaled(least=10, most=9)), "MinCapacity must be at most MaxCapacity, 9; found 10"),
        (
            [*scaled(policies=(ScalingPolicy(name="", tracking=TRACKING),))][1],
            "PolicyName, value: 0",
        ),
        ([*scaled(policies=(ScalingPolicy(name="x", tracking={}),))][1], "TargetValue"),
        (requests.contributor_insights("orders", "ab", "THROTTLED_KEYS"), "IndexName"),
        (requests.kinesis_stream("orders", Kinesis(stream_arn="x", precision=None)), "StreamArn"),
        (requests.restoration("arn:x", "orders", None), "BackupArn"),
    ],
)
def test_a_refusal_of_a_service_is_predicted_without_a_call(request_: Request, said: str) -> None:
    [fault] = faults_of(request_)
    assert said in fault


def test_all_faults_are_reported_at_once() -> None:
    wrong = [requests.time_to_live("orders", ""), *scaled(least=10, most=9)]
    with pytest.raises(Refused, match=r"UpdateTimeToLive: .*; RegisterScalableTarget: MinCap"):
        require_valid(wrong)
