"""The freeze and the fence: what they deny, and that they leave the table's own policy alone."""

import json

import pytest

from retable.runner.failure import Refused
from retable.runner.table.resource_policy import (
    WRITE_ACTIONS,
    denies_bulk,
    faults_of_policy,
    fence_policy,
    freeze_policy,
    has_fence,
    has_freeze,
    principals_of,
)

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
OWN = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Own", "Effect": "Allow"}]})


def test_i9_the_fence_denies_item_writes_to_all_but_the_loader() -> None:
    [statement] = json.loads(fence_policy(ARN, ("arn:loader",), None, bulk=True))["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Condition"] == {"ArnNotLike": {"aws:PrincipalArn": ["arn:loader"]}}
    assert statement["Action"] == [*WRITE_ACTIONS, "dynamodb:StartBulkPutItems"]


def test_the_freeze_has_no_exception_and_no_control_plane_action() -> None:
    [statement] = json.loads(freeze_policy(ARN, None, bulk=True))["Statement"]
    assert "Condition" not in statement
    assert not any(
        word in action
        for action in statement["Action"]
        for word in ("Table", "Policy", "Backup", "Export", "Describe")
    )


@pytest.mark.parametrize("bulk", [True, False])
def test_a_freeze_without_bulk_writes_is_recognized(bulk: bool) -> None:  # noqa: FBT001
    text = freeze_policy(ARN, OWN, bulk=bulk)
    assert has_freeze(text)
    assert denies_bulk(text) is bulk


def test_the_tables_own_statements_stay_and_ours_is_there_once() -> None:
    twice = freeze_policy(ARN, freeze_policy(ARN, OWN, bulk=True), bulk=True)
    assert [statement["Sid"] for statement in json.loads(twice)["Statement"]] == [
        "Own",
        "RetableFreeze",
    ]
    assert has_freeze(twice)
    assert not has_fence(twice)
    assert not has_freeze(OWN)


def test_a_single_statement_without_a_list_is_understood() -> None:
    text = json.dumps({"Statement": {"Sid": "Own", "Effect": "Allow"}})
    assert len(json.loads(freeze_policy(ARN, text, bulk=True))["Statement"]) == 2


def test_a_policy_that_would_be_too_large_is_refused() -> None:
    large = json.dumps({"Statement": [{"Sid": "Own", "Resource": "x" * 20_400}]})
    with pytest.raises(Refused, match="bytes together"):
        freeze_policy(ARN, large, bulk=True)


STATEMENT = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem"}


@pytest.mark.parametrize(
    "policy",
    [
        {"Version": "2012-10-17", "Statement": STATEMENT},
        {"Statement": [{**STATEMENT, "Resource": "*"}]},
        {"Statement": [{**STATEMENT, "Resource": [ARN, f"{ARN}/index/*", f"{ARN}/stream/1"]}]},
        {"Statement": [{**STATEMENT, "NotResource": "arn:aws:s3:::x"}]},
        json.loads(fence_policy(ARN, ("arn:loader",), None, bulk=True)),
        json.loads(freeze_policy(ARN, None, bulk=True)),
    ],
)
def test_a_sound_policy_has_no_faults(policy: object) -> None:
    assert list(faults_of_policy(json.dumps(policy), ARN)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ("{}", "needs a Statement"),
        ('{"Statement": ["*"]}', "Statement.0: a statement is a mapping; found a string"),
        (json.dumps({"Statement": STATEMENT}) + " " * 20_480, "20,480 bytes at most"),
        *(
            (json.dumps({"Statement": [{**STATEMENT, "Resource": resource}]}), "own table")
            for resource in (f"{ARN}-v2", [ARN, "arn:aws:s3:::x"], ARN.replace("orders", "*"))
        ),
    ],
)
def test_errors_in_a_policy_are_reported(text: str, said: str) -> None:
    [fault] = faults_of_policy(text, ARN)
    assert said in fault


def test_an_assumed_role_matches_with_and_without_its_path() -> None:
    session = "arn:aws:sts::111122223333:assumed-role/loader/session-1"
    assert principals_of(session) == (
        "arn:aws:iam::111122223333:role/loader",
        "arn:aws:iam::111122223333:role/*/loader",
    )
    assert principals_of("arn:aws:iam::1:user/x") == ("arn:aws:iam::1:user/x",)
