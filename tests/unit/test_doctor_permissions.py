"""The simulator's decisions, on answers by its API reference; not tested on AWS itself.

Each file in ``tests/cases/doctor`` is a conversation: who calls, what the doctor asks, what IAM
answers, and the doctor's findings. botocore's Stubber checks both sides against AWS's model.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from retable.runner.aws.session import Answered
from retable.runner.aws.simulate import simulate
from retable.runner.doctor.examined import Permission
from retable.runner.doctor.needs import Need
from retable.runner.doctor.permissions import findings, judge

CASES = sorted((Path(__file__).parents[1] / "cases" / "doctor").glob("*.json"))
METHODS = {"GetRole": "get_role", "SimulatePrincipalPolicy": "simulate_principal_policy"}


def stub(stubber: Stubber, call: dict[str, Any]) -> None:
    """Expect one call and answer it."""
    asked: dict[str, Any] = {"RoleName": "deploy"}
    if call["call"] == "SimulatePrincipalPolicy":
        asked = {"PolicySourceArn": ANY, "ActionNames": ANY}
        if call["asks_for"] != "*":
            asked["ResourceArns"] = [call["asks_for"]]
    if "error" in call:
        error = call["error"]
        stubber.add_client_error(
            METHODS[call["call"]],
            service_error_code=error["code"],
            http_status_code=error["status"],
            expected_params=asked,
        )
        return
    answer = call["answer"]
    if "Role" in answer:
        made = datetime.fromisoformat(answer["Role"]["CreateDate"])
        answer = {"Role": {**answer["Role"], "CreateDate": made}}
    stubber.add_response(METHODS[call["call"]], answer, asked)


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_what_iam_answers_is_understood(path: Path) -> None:
    case = json.loads(path.read_bytes())
    iam = boto3.client(
        "iam",
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",  # noqa: S106 -- nothing is sent
    )
    answered = [
        Answered(service=service, operation=operation, code=code, date=None)
        for service, operation, code in case.get("answered", ())
    ]
    needs = [Need(*need) for need in case["needs"]]
    with Stubber(iam) as stubber:
        pages = 0
        for call in case["calls"]:
            if pages and call["call"] == "SimulatePrincipalPolicy":
                pages = stub_next_page(stubber, call)
                continue
            stub(stubber, call)
            pages = "Marker" in call.get("answer", {})
        permissions = judge(
            needs,
            lambda actions, resources: simulate(iam, case["caller"], actions, resources),
            answered,
        )
        stubber.assert_no_pending_responses()
    iam.close()
    assert permissions == tuple(Permission(**entry) for entry in case["expect"])


def stub_next_page(stubber: Stubber, call: dict[str, Any]) -> bool:
    """Expect the request for the next page and answer it."""
    asked = {
        "PolicySourceArn": ANY,
        "ActionNames": ANY,
        "ResourceArns": [call["asks_for"]],
        "Marker": "more",
    }
    stubber.add_response(METHODS[call["call"]], call["answer"], asked)
    return "Marker" in call["answer"]


def test_each_denial_is_reported_and_the_rest_in_one_line() -> None:
    def permission(number: int, outcome: Any) -> Permission:
        return Permission(action=f"s3:A{number}", resource="*", outcome=outcome, how="because")

    permissions = [
        permission(number, outcome)
        for number, outcome in enumerate(["ok", "problem", "ok", "unknown", "problem"])
    ]
    told = list(findings(permissions))
    assert [(finding.outcome, finding.found) for finding in told] == [
        ("ok", "2 of 5 are allowed"),
        ("problem", "s3:A1 on * is denied: because"),
        ("problem", "s3:A4 on * is denied: because"),
        ("unknown", "1 are unknown: because"),
    ]
    many = list(findings([permission(number, "problem") for number in range(50)]))
    assert len(many) == 22
    assert many[-1].found == "30 more are denied"


def test_the_simulation_is_reported_as_not_tested_on_aws() -> None:
    permission = Permission(action="s3:A", resource="*", outcome="ok", how="IAM allows it")
    [told] = findings([permission])
    assert "iam:SimulatePrincipalPolicy; " in told.did
    assert "not tested on AWS" in told.did
