"""What deployments do to a table and beside it, proved by templates alone."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from retable.runner.aws.policy import fence_policy
from retable.runner.cdk.finding import Finding, blocking, require_proven
from retable.runner.cdk.losses import Place, Uses
from retable.runner.cdk.proof import prove_addition, prove_final, prove_removal
from retable.runner.cdk.prove import Case, Known, prove
from retable.runner.cdk.references import dependents
from retable.runner.cdk.shape import Wanted
from retable.runner.cdk.template import EMPTY, Template
from retable.runner.failure import Refused
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, Provisioned
from support.assemblies import HERE, ORDERS, orders, table, template

LOADER = "arn:aws:iam::123456789012:role/loader"
WANT = Wanted(
    name="orders",
    key=KeySchema(partition=KeyAttribute("customer_id", "S"), sort=KeyAttribute("order_key", "S")),
    indexes=Indexes(
        global_=(
            Index(
                name="by_status",
                partition=(KeyAttribute("status", "S"),),
                sort=(KeyAttribute("created_at", "N"),),
            ),
        )
    ),
    billing="on-demand",
    ttl="expires_at",
)
KNOWN = Known(principals=(LOADER,), today=date(2026, 11, 20))
CASE = Case(
    deployed=orders("by-id").template,
    absent=orders("absent").template,
    present=orders("by-customer").template,
    final=orders("final").template,
    old=ORDERS,
    new=ORDERS,
    at=HERE,
)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "other"}}


def test_a_rebuild_of_cdks_own_templates_is_proved_with_nothing_to_accept() -> None:
    found = prove(CASE, WANT, KNOWN)
    assert blocking(found, ()) == ()
    require_proven(found, ())
    assert {one.code for one in found} == {
        "goes-along",
        "pending-change",
        "removal-policy",
        "rolled-back-create",
        "two-deployments",
    }


def test_what_goes_with_the_table_is_told() -> None:
    told = [one.subject for one in prove(CASE, WANT, KNOWN) if one.code == "goes-along"]
    assert told == [
        "OrdersTableWriteScalingTarget20EB861D",
        "OrdersTableWriteScalingTargetTrackingE447C2A4",
        "Outputs.TableArn",
        "WorkerDefaultPolicyD9676315",
        "Outputs.TableArn",
    ]


def test_the_way_back_is_proved_like_the_way_there() -> None:
    found = prove_addition(orders("absent").template, orders("by-id").template, ORDERS)
    assert {one.code for one in found} == {"goes-along"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Other": None}, "removed Other (AWS::S3::Bucket)"),
        ({"New": BUCKET}, "added New (AWS::S3::Bucket)"),
        (
            {"Other": {**BUCKET, "Properties": {"BucketName": "x"}}},
            "changed Other (AWS::S3::Bucket): Properties.BucketName",
        ),
        ({"Other": {**BUCKET, "DeletionPolicy": "Retain"}}, "DeletionPolicy"),
    ],
    ids=["removed", "added", "changed", "policy"],
)
def test_an_absent_template_that_does_more_is_refused_until_it_is_accepted_by_name(
    change: dict[str, Any], words: str
) -> None:
    there = {"T": table(), "Other": BUCKET}
    without = {name: body for name, body in {"Other": BUCKET, **change}.items() if body}
    (finding,) = prove_removal(template(there), template(without), "T")
    assert (finding.code, finding.weight) == ("other-change", "acceptable")
    assert words in finding.message
    with pytest.raises(Refused, match="the absent template does something else as well"):
        require_proven([finding], ["Something"])
    require_proven([finding], [finding.subject])


@pytest.mark.parametrize("section", ["Outputs", "Parameters", "Conditions", "Mappings"])
def test_other_sections_count_as_well(section: str) -> None:
    found = prove_removal(
        template({"T": table()}, **{section: {"A": {"Value": "1"}}}), template({}), "T"
    )
    assert [one.subject for one in found] == [f"{section}.A"]


def test_a_part_that_only_comes_after_the_table_may_not_go_with_it() -> None:
    later = {"Type": "AWS::S3::Bucket", "DependsOn": ["T"]}
    there = template({"T": table(), "Later": later})
    assert [one.code for one in prove_removal(there, template({}), "T")] == ["other-change"]
    kept = template({"Later": {"Type": "AWS::S3::Bucket"}})
    assert [one.code for one in prove_removal(there, kept, "T")] == ["goes-along"]


def test_a_part_may_lose_what_names_the_table_and_nothing_else() -> None:
    def worker(*names: Any, more: dict[str, Any] | None = None) -> dict[str, Any]:
        statements = [{"Resource": name} for name in names]
        return {"Type": "AWS::IAM::Policy", "Properties": {"S": statements, **(more or {})}}

    arn = {"Fn::GetAtt": ["T", "Arn"]}
    there = template({"T": table(), "W": worker("a", arn, "b")})

    def codes(after: dict[str, Any]) -> list[str]:
        return [one.code for one in prove_removal(there, template({"W": after}), "T")]

    assert codes(worker("a", "b")) == ["goes-along"]
    assert codes(worker("a", "arn:of:table", "b")) == ["goes-along"]
    assert codes(worker("a")) == ["other-change"]
    assert codes(worker("a", "b", "c")) == ["other-change"]
    assert codes(worker("b", "a")) == ["other-change"]
    assert codes(worker("a", "b", more={"Boundary": "x"})) == ["other-change"]


def test_a_nested_stack_that_holds_the_table_alone_may_go_with_it() -> None:
    stack = {"Type": "AWS::CloudFormation::Stack"}

    def there(**inner: Any) -> Template:
        return Template({"Resources": {"Inner": stack}}, {"Inner": template(inner)})

    alone = prove_removal(there(T=table()), template({}), "Inner/T")
    assert [one.code for one in alone] == ["goes-along"]
    shared = prove_removal(there(T=table(), Other=BUCKET), template({}), "Inner/T")
    found = list(shared)
    assert [one.subject for one in found] == ["Inner", "Inner/Other"]
    require_proven(found, ["Inner"])


def test_an_absent_template_that_still_has_the_table_is_refused() -> None:
    (finding,) = prove_removal(CASE.deployed, CASE.deployed, ORDERS)
    assert finding.message == (
        f"the absent template still has the table {ORDERS} (AWS::DynamoDB::Table)"
    )
    assert finding.weight == "refused"
    assert blocking([finding], [ORDERS]) == (finding,)


def test_a_table_that_is_nowhere_is_refused() -> None:
    assert _codes(prove_removal(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert _codes(prove_addition(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert _codes(prove_final(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert "table-missing" in _codes(prove(replace(CASE, final=EMPTY), WANT, KNOWN))


def test_a_change_that_waits_in_the_app_cannot_hide_behind_the_table() -> None:
    bucket = {"Exports": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "renamed"}}}
    case = replace(
        CASE,
        absent=_with(CASE.absent, **bucket),
        present=_with(CASE.present, **bucket),
        final=_with(CASE.final or EMPTY, **bucket),
    )
    stopping = blocking(prove(case, WANT, KNOWN), ())
    assert [(one.code, one.subject) for one in stopping] == [("other-change", "Exports")]
    assert blocking(prove(case, WANT, KNOWN), ["Exports"]) == ()


def test_a_change_of_a_part_that_goes_and_comes_with_the_table_is_told() -> None:
    def scaled(most: int) -> Template:
        scaling = {"Type": "Scaling", "Properties": {"Table": {"Ref": "T"}, "Max": most}}
        return template({"T": table(), "S": scaling})

    case = replace(
        CASE, deployed=scaled(5), absent=EMPTY, present=scaled(9), final=None, old="T", new="T"
    )
    want = replace(WANT, key=KeySchema(partition=KeyAttribute("id", "S")), indexes=None, ttl=None)
    found = prove(case, want, KNOWN)
    pending = [one.message for one in found if one.code == "pending-change"]
    assert pending == ["in the end, beside the table: changed S (Scaling): Properties.Max"]
    assert blocking(found, ()) == ()


def test_side_by_side_only_the_new_table_comes() -> None:
    deployed = template({"Old": table(TableName="old"), "Other": BUCKET})
    present = _with(deployed, New=table(TableName="new"))
    case = Case(
        deployed=deployed,
        absent=deployed,
        present=present,
        final=None,
        old=None,
        new="New",
        at=HERE,
    )
    want = Wanted(
        name="new",
        key=KeySchema(partition=KeyAttribute("id", "S")),
        indexes=Indexes(),
        billing="on-demand",
        ttl=False,
    )
    assert _codes(prove(case, want, KNOWN)) == ["not-fenced"]
    drops = replace(case, present=template({"New": table(TableName="new"), "Other": BUCKET}))
    assert [(one.code, one.subject) for one in blocking(prove(drops, want, KNOWN), ())] == [
        ("other-change", "Old")
    ]


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
        ({"name": "orders2"}, "the present template calls {} orders, the spec orders2"),
        (
            {"ttl": False},
            "the final template lets items of {} expire by expires_at, the spec by nothing",
        ),
    ],
    ids=["key", "billing", "no-index", "local-index", "name", "ttl"],
)
def test_a_present_template_must_make_the_table_of_the_spec(
    change: dict[str, Any], message: str
) -> None:
    found = blocking(prove(CASE, replace(WANT, **change), KNOWN), [ORDERS])
    assert [one.message for one in found] == [message.format(ORDERS)]


def test_what_the_source_alone_would_tell_is_not_compared() -> None:
    unknown = replace(WANT, indexes=None, billing=None, ttl=None)
    assert blocking(prove(CASE, unknown, KNOWN), ()) == ()


def test_what_only_a_deployment_can_tell_is_told_and_a_key_must_be_accepted() -> None:
    unknown = {"Ref": "Given"}
    new = table(TableName=unknown, BillingMode=unknown, TimeToLiveSpecification=unknown)
    new["Properties"]["AttributeDefinitions"][0]["AttributeType"] = unknown
    case = replace(CASE, deployed=EMPTY, absent=EMPTY, old=None, new="T", final=None)
    found = prove(replace(case, present=template({"T": new})), WANT, KNOWN)
    told = [(one.message.split(" of ")[0], one.weight) for one in found if _is_unknown(one)]
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
        ("Retain", "leaves the table, which is then deleted by API"),
        ("RetainExceptOnCreate", "leaves the table, which is then deleted by API"),
        ("Delete", "CloudFormation deletes the table"),
        (None, "CloudFormation deletes the table"),
    ],
)
def test_the_policy_that_counts_is_the_deployed_one(policy: str | None, words: str) -> None:
    old = CASE.deployed.body["Resources"][ORDERS]
    found = prove(
        replace(CASE, deployed=_with(CASE.deployed, **{ORDERS: _policy(old, policy)})), WANT, KNOWN
    )
    (told,) = [one for one in found if one.code == "removal-policy"]
    assert words in told.message
    assert told.weight == "note"


def test_a_policy_that_no_table_has_is_refused() -> None:
    old = CASE.deployed.body["Resources"][ORDERS]
    deployed = _with(CASE.deployed, **{ORDERS: _policy(old, "Snapshot")})
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
        case = replace(CASE, deployed=_with(CASE.deployed, Needed=_policy(resource, policy)))
        return [one for one in prove(case, WANT, known) if one.code == "needed-later"]

    (finding,) = stopping(None)
    assert finding.weight == "refused"
    (finding,) = stopping("Retain")
    assert finding.weight == "acceptable"


def test_a_key_that_nobody_uses_is_like_any_other_resource() -> None:
    case = replace(CASE, deployed=_with(CASE.deployed, Key={"Type": "AWS::KMS::Key"}))
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
        deployed=_with(CASE.deployed, Exports=bucket),
        absent=_with(CASE.absent, Exports=bucket),
        present=_with(CASE.present, Exports=bucket),
        final=None,
    )
    want = replace(WANT, ttl=None)
    stopping = blocking(prove(case, want, replace(KNOWN, exports=place)), ())
    assert [one.code for one in stopping] == ["export-expires"] * expires


def test_an_export_that_another_stack_imports_may_not_go() -> None:
    known = replace(KNOWN, importers={"TableArn": ("billing", "search")})
    (finding,) = blocking(prove(CASE, WANT, known), ["Outputs.TableArn"])
    assert finding.message == (
        "the absent template takes the output TableArn away, which is imported by billing, search"
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
    present = _with(CASE.present, **{ORDERS: {**new, "Properties": properties}})
    found = _codes(prove(replace(CASE, present=present), WANT, KNOWN))
    assert [one for one in found if "fence" in one] == ([code] if code else [])


def test_our_own_fence_is_known_and_lets_a_role_with_a_path_through() -> None:
    patterns = (LOADER, "arn:aws:iam::123456789012:role/*/loader")
    document = json.loads(fence_policy("arn:aws:dynamodb:r:1:table/orders", patterns, None))
    new = CASE.present.body["Resources"][ORDERS]
    properties = {**new["Properties"], "ResourcePolicy": {"PolicyDocument": document}}
    present = _with(CASE.present, **{ORDERS: {**new, "Properties": properties}})
    known = replace(KNOWN, principals=patterns)
    assert not [
        one for one in _codes(prove(replace(CASE, present=present), WANT, known)) if "fence" in one
    ]


def test_a_stream_before_the_load_must_be_accepted() -> None:
    case = replace(CASE, present=CASE.final or EMPTY, final=None)
    found = prove(case, WANT, KNOWN)
    # Reading streams needs leave to list all of them, which names no table.
    role = "WorkerDefaultPolicyD9676315"
    (replay,) = blocking(found, [role])
    assert replay.message == (
        f"the present template gives {ORDERS} a stream: the load would send every item there as "
        "an INSERT, read by Consumer"
    )
    assert blocking(found, ["stream-replay", role]) == ()


@pytest.mark.parametrize(
    ("change", "weight"),
    [
        ({"KeySchema": []}, "refused"),
        ({"TableName": "renamed"}, "refused"),
        ({"BillingMode": "PROVISIONED"}, "acceptable"),
        ({"GlobalSecondaryIndexes": []}, "acceptable"),
        ({"TimeToLiveSpecification": {}}, None),
        ({"StreamSpecification": {}}, None),
        ({"ResourcePolicy": {}}, None),
        ({"Replicas": [{"ResourcePolicy": {}}]}, "acceptable"),
    ],
    ids=str,
)
def test_the_final_template_only_goes_live(change: dict[str, Any], weight: str | None) -> None:
    present = template({"T": table(TableName="t")})
    final = template({"T": table(**{"TableName": "t", **change})})
    assert [one.weight for one in prove_final(present, final, "T")] == ([weight] if weight else [])


def test_a_global_table_goes_live_in_its_replica() -> None:
    present = template({"T": table(Replicas=[{"Region": "r", "ResourcePolicy": {"a": 1}}])})
    final = template({"T": table(Replicas=[{"Region": "r", "KinesisStreamSpecification": {}}])})
    assert list(prove_final(present, final, "T")) == []


def test_the_final_template_may_bring_consumers_with_what_they_need_and_nothing_else() -> None:
    present = template({"T": table(), "Other": BUCKET})
    consumer = {"Type": "C", "Properties": {"S": {"Ref": "T"}, "F": {"Ref": "Function"}}}
    brought = {"Consumer": consumer, "Function": {"Type": "F"}}
    assert list(prove_final(present, _with(present, **brought), "T")) == []
    more = _with(present, Unrelated=BUCKET, Other={**BUCKET, "DeletionPolicy": "Retain"})
    found = list(prove_final(present, more, "T"))
    assert [(one.subject, one.weight) for one in found] == [
        ("Other", "acceptable"),
        ("Unrelated", "acceptable"),
    ]
    fewer = template({"T": table()})
    assert [one.subject for one in prove_final(present, fewer, "T")] == ["Other"]


def test_every_fault_is_said_at_once_with_the_names_that_would_accept_it() -> None:
    deployed = _with(CASE.deployed, One=BUCKET, Two=BUCKET)
    found = prove(replace(CASE, deployed=deployed), replace(WANT, name="x"), KNOWN)
    with pytest.raises(Refused) as caught:
        require_proven(found, ["Two"])
    assert caught.value.message == (
        f"the present template calls {ORDERS} orders, the spec x; "
        "the absent template does something else as well: removed One (AWS::S3::Bucket)"
    )
    assert str(caught.value.hint).endswith("can be accepted by name: One")


def test_the_consumers_of_the_fixture_are_its_dependents() -> None:
    assert "Consumer" in dependents(CASE.final or EMPTY, [ORDERS])


def _codes(found: Any) -> list[str]:
    return [one.code for one in found]


def _is_unknown(finding: Finding) -> bool:
    return finding.code == "unknown-value"


def _policy(resource: dict[str, Any], policy: str | None) -> dict[str, Any]:
    """Return a resource with another DeletionPolicy, or none."""
    rest = {name: value for name, value in resource.items() if name != "DeletionPolicy"}
    return rest if policy is None else {**rest, "DeletionPolicy": policy}


def _with(before: Template, **resources: Any) -> Template:
    """Return a template with these resources as well, or in place of its own."""
    body = {**before.body, "Resources": {**before.body["Resources"], **resources}}
    return Template(body, before.nested)
