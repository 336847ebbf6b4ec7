"""What deployments do to a table and besides it, proved from templates alone."""

from dataclasses import replace
from typing import Any

import pytest

from retable.runner.cdk.cdk_finding import blocking, require_proven
from retable.runner.cdk.proof import prove_addition, prove_final, prove_removal
from retable.runner.cdk.prove import Case, prove
from retable.runner.cdk.references import dependents
from retable.runner.cdk.table_shape import DeclaredTable
from retable.runner.cdk.template import EMPTY, Template
from retable.runner.failure import Refused
from retable.schema.spec import Indexes, KeyAttribute, KeySchema
from support.assemblies import HERE, ORDERS, orders, table, template
from support.cdk_cases import BUCKET, CASE, KNOWN, WANT, codes_of, extended


def test_a_rebuild_of_cdks_own_templates_needs_nothing_accepted() -> None:
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


def test_what_is_removed_with_the_table_is_reported() -> None:
    told = [one.subject for one in prove(CASE, WANT, KNOWN) if one.code == "goes-along"]
    assert told == [
        "OrdersTableWriteScalingTarget20EB861D",
        "OrdersTableWriteScalingTargetTrackingE447C2A4",
        "Outputs.TableArn",
        "WorkerDefaultPolicyD9676315",
        "Outputs.TableArn",
    ]


def test_the_restore_is_proved_like_the_rebuild() -> None:
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
    with pytest.raises(Refused, match="the absent template makes an unrelated change"):
        require_proven([finding], ["Something"])
    require_proven([finding], [finding.subject])


@pytest.mark.parametrize("section", ["Outputs", "Parameters", "Conditions", "Mappings"])
def test_other_sections_count_as_well(section: str) -> None:
    found = prove_removal(
        template({"T": table()}, **{section: {"A": {"Value": "1"}}}), template({}), "T"
    )
    assert [one.subject for one in found] == [f"{section}.A"]


def test_a_part_that_only_depends_on_the_table_by_order_may_not_be_removed_with_it() -> None:
    later = {"Type": "AWS::S3::Bucket", "DependsOn": ["T"]}
    there = template({"T": table(), "Later": later})
    assert [one.code for one in prove_removal(there, template({}), "T")] == ["other-change"]
    kept = template({"Later": {"Type": "AWS::S3::Bucket"}})
    assert [one.code for one in prove_removal(there, kept, "T")] == ["goes-along"]


def test_a_part_may_lose_its_references_to_the_table_and_nothing_else() -> None:
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


def test_a_nested_stack_with_only_the_table_may_be_removed_with_it() -> None:
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
    assert codes_of(prove_removal(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert codes_of(prove_addition(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert codes_of(prove_final(EMPTY, EMPTY, "T")) == ["table-missing"]
    assert "table-missing" in codes_of(prove(replace(CASE, final=EMPTY), WANT, KNOWN))


def test_a_pending_change_of_the_app_cannot_hide_behind_the_table() -> None:
    bucket = {"Exports": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "renamed"}}}
    case = replace(
        CASE,
        absent=extended(CASE.absent, **bucket),
        present=extended(CASE.present, **bucket),
        final=extended(CASE.final or EMPTY, **bucket),
    )
    stopping = blocking(prove(case, WANT, KNOWN), ())
    assert [(one.code, one.subject) for one in stopping] == [("other-change", "Exports")]
    assert blocking(prove(case, WANT, KNOWN), ["Exports"]) == ()


def test_a_change_of_a_part_that_is_removed_and_added_with_the_table_is_reported() -> None:
    def scaled(most: int) -> Template:
        scaling = {"Type": "Scaling", "Properties": {"Table": {"Ref": "T"}, "Max": most}}
        return template({"T": table(), "S": scaling})

    case = replace(
        CASE, deployed=scaled(5), absent=EMPTY, present=scaled(9), final=None, old="T", new="T"
    )
    want = replace(WANT, key=KeySchema(partition=KeyAttribute("id", "S")), indexes=None, ttl=None)
    found = prove(case, want, KNOWN)
    pending = [one.message for one in found if one.code == "pending-change"]
    assert pending == ["at the end, besides the table: changed S (Scaling): Properties.Max"]
    assert blocking(found, ()) == ()


def test_side_by_side_only_the_new_table_is_added() -> None:
    deployed = template({"Old": table(TableName="old"), "Other": BUCKET})
    present = extended(deployed, New=table(TableName="new"))
    case = Case(
        deployed=deployed,
        absent=deployed,
        present=present,
        final=None,
        old=None,
        new="New",
        at=HERE,
    )
    want = DeclaredTable(
        name="new",
        key=KeySchema(partition=KeyAttribute("id", "S")),
        indexes=Indexes(),
        billing="on-demand",
        ttl=False,
    )
    assert codes_of(prove(case, want, KNOWN)) == ["not-fenced"]
    drops = replace(case, present=template({"New": table(TableName="new"), "Other": BUCKET}))
    assert [(one.code, one.subject) for one in blocking(prove(drops, want, KNOWN), ())] == [
        ("other-change", "Old")
    ]


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


def test_the_final_template_may_add_consumers_with_what_they_need_and_nothing_else() -> None:
    present = template({"T": table(), "Other": BUCKET})
    consumer = {"Type": "C", "Properties": {"S": {"Ref": "T"}, "F": {"Ref": "Function"}}}
    brought = {"Consumer": consumer, "Function": {"Type": "F"}}
    assert list(prove_final(present, extended(present, **brought), "T")) == []
    more = extended(present, Unrelated=BUCKET, Other={**BUCKET, "DeletionPolicy": "Retain"})
    found = list(prove_final(present, more, "T"))
    assert [(one.subject, one.weight) for one in found] == [
        ("Other", "acceptable"),
        ("Unrelated", "acceptable"),
    ]
    fewer = template({"T": table()})
    assert [one.subject for one in prove_final(present, fewer, "T")] == ["Other"]


def test_every_fault_is_reported_at_once_with_the_names_that_accept_it() -> None:
    deployed = extended(CASE.deployed, One=BUCKET, Two=BUCKET)
    found = prove(replace(CASE, deployed=deployed), replace(WANT, name="x"), KNOWN)
    with pytest.raises(Refused) as caught:
        require_proven(found, ["Two"])
    assert caught.value.message == (
        f"the present template names {ORDERS} orders, the spec x; "
        "the absent template makes an unrelated change: removed One (AWS::S3::Bucket)"
    )
    assert str(caught.value.hint).endswith("accept what is intended by name: One")


def test_the_consumers_of_the_fixture_are_its_dependents() -> None:
    assert "Consumer" in dependents(CASE.final or EMPTY, [ORDERS])
