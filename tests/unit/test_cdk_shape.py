"""Whether a template's table is the one of the spec, and what must outlive the old one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from retable.runner.cdk.cdk_finding import Finding, blocking
from retable.runner.cdk.lost_attachments import Place, Uses
from retable.runner.cdk.prove import prove
from retable.runner.cdk.template import EMPTY
from retable.runner.table.resource_policy import fence_policy
from retable.schema.spec import Indexes, KeyAttribute, KeySchema, Provisioned
from support.assemblies import ORDERS, table, template
from support.cdk_cases import BUCKET, CASE, KNOWN, LOADER, WANT, codes_of, extended, with_policy


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"key": KeySchema(partition=KeyAttribute("customer_id", "N"))},
            (
                "the key of {} is customer_id S, order_key S in the present template, "
                "customer_id N in the spec"
            ),
        ),
        (
            {"billing": Provisioned(read=1, write=2)},
            (
                "the billing of {} is on-demand in the present template, 1 read and 2 write "
                "units in the spec"
            ),
        ),
        (
            {"indexes": Indexes()},
            (
                "the global index by_status of {} is (status S and created_at N) with all in the "
                "present template, none in the spec"
            ),
        ),
        (
            {"indexes": replace(WANT.indexes or Indexes(), local=WANT.indexes.global_)},  # type: ignore[union-attr]  # it has some
            (
                "the local index by_status of {} is none in the present template, (status S and "
                "created_at N) with all in the spec"
            ),
        ),
        ({"name": "orders2"}, "the present template names {} orders, the spec orders2"),
        (
            {"ttl": False},
            "the final template lets items of {} expire by expires_at, the spec by nothing",
        ),
    ],
    ids=["key", "billing", "no-index", "local-index", "name", "ttl"],
)
def test_a_present_template_must_declare_the_table_of_the_spec(
    change: dict[str, Any], message: str
) -> None:
    found = blocking(prove(CASE, replace(WANT, **change), KNOWN), [ORDERS])
    assert [one.message for one in found] == [message.format(ORDERS)]


def test_what_only_the_source_would_show_is_not_compared() -> None:
    unknown = replace(WANT, indexes=None, billing=None, ttl=None)
    assert blocking(prove(CASE, unknown, KNOWN), ()) == ()


def test_unresolved_values_are_reported_and_an_unresolved_key_must_be_accepted() -> None:
    unknown = {"Ref": "Given"}
    new = table(TableName=unknown, BillingMode=unknown, TimeToLiveSpecification=unknown)
    new["Properties"]["AttributeDefinitions"][0]["AttributeType"] = unknown
    case = replace(CASE, deployed=EMPTY, absent=EMPTY, old=None, new="T", final=None)
    found = prove(replace(case, present=template({"T": new})), WANT, KNOWN)
    told = [
        (one.message.split(" of ")[0], one.weight) for one in found if one.code == "unknown-value"
    ]
    assert told == [
        ("the key", "acceptable"),
        ("the indexes", "acceptable"),
        ("the name", "note"),
        ("the billing", "note"),
        ("the TTL", "note"),
    ]
    assert blocking(found, ["T"]) == ()


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("Retain", "from the stack and keeps it, and the run deletes it by API"),
        ("RetainExceptOnCreate", "from the stack and keeps it, and the run deletes it by API"),
        ("Delete", "CloudFormation deletes the table"),
        (None, "CloudFormation deletes the table"),
    ],
)
def test_the_policy_that_counts_is_the_deployed_one(policy: str | None, words: str) -> None:
    old = CASE.deployed.body["Resources"][ORDERS]
    found = prove(
        replace(CASE, deployed=extended(CASE.deployed, **{ORDERS: with_policy(old, policy)})),
        WANT,
        KNOWN,
    )
    (told,) = [one for one in found if one.code == "removal-policy"]
    assert words in told.message
    assert told.weight == "note"


def test_an_unsupported_deletion_policy_is_refused() -> None:
    old = CASE.deployed.body["Resources"][ORDERS]
    deployed = extended(CASE.deployed, **{ORDERS: with_policy(old, "Snapshot")})
    (told,) = blocking(prove(replace(CASE, deployed=deployed), WANT, KNOWN), [ORDERS])
    assert told.code == "removal-policy"


def test_replicas_in_other_regions_are_refused_on_either_side() -> None:
    replicas = [{"Region": "eu-west-1"}, {"Region": "eu-north-1"}]
    wide = {**table(Replicas=replicas), "Type": "AWS::DynamoDB::GlobalTable"}
    here = {**table(Replicas=replicas[:1]), "Type": "AWS::DynamoDB::GlobalTable"}
    want = replace(WANT, key=KeySchema(partition=KeyAttribute("id", "S")), indexes=None, ttl=None)
    for deployed, present, count in ((wide, here, 1), (here, wide, 1), (here, here, 0)):
        case = replace(
            CASE,
            deployed=template({"T": deployed}),
            absent=EMPTY,
            present=template({"T": present}),
            final=None,
            old="T",
            new="T",
        )
        stopping = blocking(prove(case, want, KNOWN), ["T"])
        assert [one.code for one in stopping] == ["replicas"] * count


@pytest.mark.parametrize(
    ("resource", "uses", "physical"),
    [
        ({"Type": "AWS::KMS::Key"}, Uses(keys={"arn:aws:kms:r:1:key/k-1": "the table"}), "k-1"),
        ({"Type": "AWS::KMS::Key"}, Uses(keys={"k-1": "the backup"}), "k-1"),
        ({"Type": "AWS::KMS::Alias"}, Uses(keys={"alias/mine": "the export"}), "alias/mine"),
        (BUCKET, Uses(buckets={"real": "the export"}), "real"),
        (BUCKET, Uses(buckets={"other": "the state"}), None),
        ({"Type": "AWS::Backup::BackupVault"}, Uses(vaults={"v": "the backup"}), "v"),
    ],
    ids=["key-arn", "key-id", "alias", "bucket", "bucket-by-name", "vault"],
)
def test_an_absent_template_that_removes_what_is_needed_later_is_refused(
    resource: dict[str, Any], uses: Uses, physical: str | None
) -> None:
    known = replace(KNOWN, uses=uses, physical={"Needed": physical} if physical else {})

    def stopping(policy: str | None) -> list[Finding]:
        case = replace(CASE, deployed=extended(CASE.deployed, Needed=with_policy(resource, policy)))
        return [one for one in prove(case, WANT, known) if one.code == "needed-later"]

    (finding,) = stopping(None)
    assert finding.weight == "refused"
    (finding,) = stopping("Retain")
    assert finding.weight == "acceptable"


def test_an_unused_key_is_like_any_other_resource() -> None:
    case = replace(CASE, deployed=extended(CASE.deployed, Key={"Type": "AWS::KMS::Key"}))
    known = replace(KNOWN, uses=Uses(keys={"k-2": "the table"}), physical={"Key": "k-1"})
    assert {one.code for one in blocking(prove(case, WANT, known), ())} == {
        "other-change",
    }


@pytest.mark.parametrize(
    ("rule", "expires"),
    [
        ({"ExpirationInDays": 34}, True),
        ({"ExpirationInDays": "7"}, True),
        ({"ExpirationInDays": 35}, False),
        ({"ExpirationInDays": {"Ref": "Days"}}, True),
        ({"ExpirationDate": "2026-12-01T00:00:00Z"}, True),
        ({"ExpirationDate": "2027-12-01T00:00:00Z"}, False),
        ({"ExpirationDate": "soon"}, True),
        ({"ExpirationInDays": 1, "Status": "Disabled"}, False),
        ({"ExpirationInDays": 1, "Prefix": "exports/"}, True),
        ({"ExpirationInDays": 1, "Prefix": "exports/orders/AWSDynamoDB"}, True),
        ({"ExpirationInDays": 1, "Prefix": "logs/"}, False),
        ({"ExpirationInDays": 1, "Prefix": {"Ref": "Days"}}, True),
        ({"ExpirationInDays": 1, "TagFilters": [{"Key": "a", "Value": "b"}]}, False),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 1}}, False),
    ],
    ids=str,
)
def test_a_rule_that_deletes_the_export_early_is_refused(
    rule: dict[str, Any],
    expires: bool,  # noqa: FBT001 -- one of a table's columns
) -> None:
    rules = {"Rules": [{"Id": "sweep", "Status": "Enabled", **rule}]}
    bucket = {**BUCKET, "Properties": {"LifecycleConfiguration": rules}}
    place = Place(bucket="real", prefix="exports/orders", physical={"Exports": "real"})
    case = replace(
        CASE,
        deployed=extended(CASE.deployed, Exports=bucket),
        absent=extended(CASE.absent, Exports=bucket),
        present=extended(CASE.present, Exports=bucket),
        final=None,
    )
    want = replace(WANT, ttl=None)
    found = prove(case, want, replace(KNOWN, exports=place))
    stopping = blocking(found, [case.new])  # no final template lifts the present one's fence
    assert [one.code for one in stopping] == ["export-expires"] * expires


def test_i9_a_last_template_that_lets_only_the_loader_write_stops_the_run() -> None:
    case = replace(CASE, final=None)
    (stopping,) = blocking(prove(case, replace(WANT, ttl=None), KNOWN), ())
    assert stopping.code == "stays-fenced"
    assert stopping.message == f"the present template, the last one, denies writes to {ORDERS}"
    assert blocking(prove(CASE, WANT, KNOWN), ()) == ()


def test_items_that_expire_while_they_are_loaded_stop_the_run() -> None:
    resource = dict(CASE.present.body["Resources"][ORDERS])
    ttl = {"Enabled": True, "AttributeName": "expires_at"}
    resource["Properties"] = {**resource["Properties"], "TimeToLiveSpecification": ttl}
    case = replace(CASE, present=extended(CASE.present, **{ORDERS: resource}))
    found = blocking(prove(case, WANT, KNOWN), ())
    assert [one.code for one in found if one.code == "ttl-early"] == ["ttl-early"]


def test_an_export_that_another_stack_imports_may_not_be_removed() -> None:
    known = replace(KNOWN, importers={"TableArn": ("billing", "search")})
    (finding,) = blocking(prove(CASE, WANT, known), ["Outputs.TableArn"])
    assert finding.message == (
        "the absent template removes the output TableArn, which is imported by billing, search"
    )


@pytest.mark.parametrize(
    ("deny", "code"),
    [
        ({}, None),
        ({"Action": "dynamodb:*"}, None),
        ({"Principal": {"AWS": ["*"]}}, None),
        ({"Condition": {"StringNotLike": {"AWS:PrincipalArn": "*:role/loader"}}}, None),
        ({"Condition": {"ArnNotEquals": {"aws:PrincipalArn": [LOADER, "x"]}}}, None),
        ({"Effect": "Allow"}, "not-fenced"),
        ({"Action": "dynamodb:PutItem"}, "not-fenced"),
        ({"Principal": {"AWS": LOADER}}, "not-fenced"),
        ({"Resource": "arn:aws:dynamodb:r:1:table/orders/index/x"}, "not-fenced"),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "not-fenced"),
        (
            {"Condition": {"ArnNotLike": {"aws:PrincipalArn": LOADER}, "Bool": {"x": "y"}}},
            "not-fenced",
        ),
        ({"Condition": {}}, "fence-locks-out"),
        ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": f"{LOADER}s"}}}, "fence-locks-out"),
        (
            {"Condition": {"ArnNotLike": {"aws:PrincipalArn": {"Ref": "Given"}}}},
            "fence-locks-out",
        ),
        (
            {"Action": "dynamodb:Put*", "Condition": {}},
            "fence-locks-out",
        ),
    ],
    ids=str,
)
def test_a_fence_in_the_template_denies_every_write_to_all_but_the_loader(
    deny: dict[str, Any], code: str | None
) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": [
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:PartiQL*",
            "DynamoDB:putitem",
            "dynamodb:UpdateItem",
        ],
        "Resource": "*",
        "Condition": {"ArnNotLike": {"aws:PrincipalArn": LOADER}},
        **deny,
    }
    policy = {"PolicyDocument": {"Version": "2012-10-17", "Statement": statement}}
    new = CASE.present.body["Resources"][ORDERS]
    properties = {**new["Properties"], "ResourcePolicy": policy}
    present = extended(CASE.present, **{ORDERS: {**new, "Properties": properties}})
    found = codes_of(prove(replace(CASE, present=present), WANT, KNOWN))
    assert [one for one in found if "fence" in one] == ([code] if code else [])


def test_our_own_fence_is_recognized_and_excepts_a_role_with_a_path() -> None:
    patterns = (LOADER, "arn:aws:iam::123456789012:role/*/loader")
    document = json.loads(
        fence_policy("arn:aws:dynamodb:r:1:table/orders", patterns, None, bulk=True)
    )
    new = CASE.present.body["Resources"][ORDERS]
    properties = {**new["Properties"], "ResourcePolicy": {"PolicyDocument": document}}
    present = extended(CASE.present, **{ORDERS: {**new, "Properties": properties}})
    known = replace(KNOWN, principals=patterns)
    assert not [
        one
        for one in codes_of(prove(replace(CASE, present=present), WANT, known))
        if "fence" in one
    ]


def test_a_stream_before_the_load_must_be_accepted() -> None:
    case = replace(CASE, present=CASE.final or EMPTY, final=None)
    found = prove(case, WANT, KNOWN)
    # Reading streams needs permission to list all of them, which names no table.
    role = "WorkerDefaultPolicyD9676315"
    (replay,) = blocking(found, [role])
    assert replay.message == (
        f"the present template gives {ORDERS} a stream: the load would send every item there as "
        "an INSERT, read by Consumer"
    )
    assert blocking(found, ["stream-replay", role]) == ()
