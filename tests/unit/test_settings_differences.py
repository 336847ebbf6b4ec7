"""Both sides of every setting: what was asked for, and what the finished table has."""

import json
from dataclasses import replace
from typing import Any

import pytest

from retable.runner.plan.finish_steps import RestoreSettings
from retable.runner.plan.step import Link
from retable.runner.table.creation import create_request
from retable.runner.table.settings import (
    Attached,
    Kinesis,
    Scaling,
    TableSettings,
    WarmThroughput,
)
from retable.runner.verify.settings_differences import Setting, Wanted, settings_on_both_sides
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, Provisioned, Target
from support.observed import description, settings

STATUS = (KeyAttribute("status", "S"),)
INDEX = Index(name="by_status", partition=STATUS, projection=("b", "a"))
PLAIN = RestoreSettings(
    id="settings",
    create=Link("create"),
    ttl=None,
    stream=None,
    pitr=True,
    pitr_days=35,
    deletion_protection=False,
    tags={"team": "shop"},
)
SCALED = Scaling(index="", side="Write", least=1, most=9)
ALL = Attached(
    scaling=(SCALED,),
    kinesis=(Kinesis(stream_arn="arn:x/s", precision=None),),
    insights={"": "THROTTLED_KEYS"},
    warm={"": WarmThroughput(read=20_000, write=5_000)},
)


def table(**changes: Any) -> TableSettings:
    """Return a provisioned table with an index, as it was found."""
    plain: dict[str, Any] = {
        "indexes": Indexes(global_=(INDEX,)),
        "billing": Provisioned(read=5, write=7),
        "index_billing": {"by_status": Provisioned(read=1, write=2)},
    }
    return settings(description(**{**plain, **changes}), tags={"team": "shop", "cost": "1"})


def wanted(**changes: Any) -> Wanted:
    """Return the settings expected of that table."""
    target = Target(table="orders", key=KeySchema(partition=KeyAttribute("order_id", "S")))
    plain = Wanted(
        request=create_request(target, table()),
        settings=PLAIN,
        attached=Attached(),
        policy=None,
        declared=False,
    )
    return replace(plain, **changes)


def differing(ours: Wanted, found: TableSettings) -> list[Setting]:
    return [one for one in settings_on_both_sides(ours, found) if not one.same]


def names(ours: Wanted, found: TableSettings) -> list[tuple[str, bool]]:
    return [(one.name, one.held) for one in differing(ours, found)]


def test_a_table_is_like_itself() -> None:
    assert differing(wanted(), table()) == []


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("indexes", {"indexes": Indexes()}),
        ("indexes", {"indexes": Indexes(global_=(replace(INDEX, projection="all"),))}),
        ("billing", {"billing": Provisioned(read=5, write=8)}),
        ("billing", {"index_billing": {"by_status": Provisioned(read=2, write=2)}}),
        ("table class", {"table_class": "STANDARD_INFREQUENT_ACCESS"}),
        ("encryption", {"sse": {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "arn:key"}}),
    ],
)
def test_what_a_table_is_born_with_is_compared(name: str, changes: dict[str, Any]) -> None:
    assert names(wanted(), table(**changes)) == [(name, True)]


def test_a_table_class_that_is_not_named_is_the_standard_one() -> None:
    assert differing(wanted(), table(table_class="STANDARD")) == []


def test_capacity_that_something_scales_is_not_compared_and_the_rest_is() -> None:
    ours = wanted(attached=Attached(scaling=(SCALED,)))
    found = replace(
        table(billing=Provisioned(read=90, write=7)), attached=Attached(scaling=(SCALED,))
    )
    assert differing(ours, found) == []
    other = {"by_status": Provisioned(read=90, write=2)}
    found = replace(table(index_billing=other), attached=Attached(scaling=(SCALED,)))
    assert names(ours, found) == [("billing", True)]


def test_order_and_spaces_of_a_policy_do_not_matter() -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    ours = wanted(policy=json.dumps(policy))
    spaced = json.dumps(dict(reversed(policy.items())), indent=2)
    assert differing(ours, replace(table(), policy=spaced)) == []
    assert names(ours, replace(table(), policy=None)) == [("resource policy", True)]
    assert names(wanted(), replace(table(), policy=spaced)) == [("resource policy", True)]


def test_i6_the_words_of_a_policy_are_not_told() -> None:
    ours = wanted(policy='{"Statement": "s3cret"}')
    [found] = differing(ours, replace(table(), policy='{"Statement": "other"}'))
    assert "s3cret" not in repr(found)
    assert (found.wanted, found.found) == ("as planned", "another one")


def test_each_attachment_is_compared() -> None:
    ours = wanted(attached=ALL)
    kinds = ["autoscaling", "warm throughput", "contributor insights", "kinesis stream"]
    assert names(ours, table()) == [(kind, True) for kind in kinds]
    assert differing(ours, replace(table(), attached=ALL)) == []


def test_more_warm_throughput_than_asked_for_is_no_difference() -> None:
    warmer = Attached(warm={"": WarmThroughput(read=30_000, write=5_000)})
    ours = wanted(attached=Attached(warm=ALL.warm))
    assert differing(ours, replace(table(), attached=warmer)) == []
    colder = Attached(warm={"": WarmThroughput(read=30_000, write=4_999)})
    [found] = differing(ours, replace(table(), attached=colder))
    assert found.found == "warm throughput 30,000/4,999"


def test_what_a_stack_does_not_bring_back_is_told_and_not_held() -> None:
    ours = wanted(attached=ALL, declared=True, policy='{"Statement": []}')
    found = names(ours, table(table_class="STANDARD_INFREQUENT_ACCESS"))
    assert {held for _, held in found} == {False}
    assert [name for name, _ in found][:3] == ["table class", "resource policy", "autoscaling"]


def test_what_a_stack_brings_beyond_the_old_table_is_its_own_affair() -> None:
    found = replace(table(stream="NEW_IMAGE", deletion_protection=True), ttl="at", attached=ALL)
    assert differing(wanted(declared=True), found) == []
    told = names(wanted(), found)
    assert ("ttl", False) in told
    assert ("autoscaling", False) in told


def test_what_a_run_restores_is_held_of_a_stack_as_well() -> None:
    ours = wanted(declared=True, settings=replace(PLAIN, ttl="at", tags={"team": "other"}))
    assert names(ours, table()) == [("ttl", True), ("tags", True)]
