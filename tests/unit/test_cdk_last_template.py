"""The last deployment of a stack: what it restores, whom it switches over, what an import needs."""

from dataclasses import replace
from typing import Any

import pytest

from retable.runner.cdk.cdk_finding import blocking
from retable.runner.cdk.prove import prove
from retable.runner.cdk.survey import require_adoptable
from retable.runner.cdk.table_in_template import read_table
from retable.runner.cdk.template import EMPTY, Template, parts
from retable.runner.failure import Refused
from retable.schema.spec import KeyAttribute, KeySchema
from support.assemblies import HERE, table, template
from support.cdk_cases import CASE, KNOWN, WANT, codes_of, extended


def test_what_the_last_template_restores_is_not_pending_and_what_it_omits_is() -> None:
    topic = {"S": {"Type": "Scaling", "Properties": {"Table": {"Ref": "T"}}}}
    bare = template({"T": table()})
    whole = extended(bare, **topic)
    want = replace(WANT, key=KeySchema(partition=KeyAttribute("id", "S")), indexes=None, ttl=None)
    case = replace(CASE, deployed=whole, absent=EMPTY, present=bare, final=whole, old="T", new="T")
    assert "pending-change" not in codes_of(prove(case, want, KNOWN))
    found = prove(replace(case, final=bare), want, KNOWN)
    assert [one.subject for one in found if one.code == "pending-change"] == ["S"]


@pytest.mark.parametrize("frozen", [True, False])
def test_a_last_template_that_switches_to_a_copy_of_an_unfrozen_table_stops_the_run(
    frozen: bool,  # noqa: FBT001
) -> None:
    def moved(to: str) -> Template:
        worker = {"Type": "Worker", "Properties": {"Table": to if to == "old" else {"Ref": to}}}
        new = table(TableName="new")
        return template({"Old": table(TableName="old"), "New": new, "Worker": worker})

    before = template({name: moved("old").body["Resources"][name] for name in ("Old", "Worker")})
    case = replace(
        CASE,
        deployed=before,
        absent=before,
        present=moved("old"),
        final=moved("New"),
        old=None,
        new="New",
    )
    want = replace(
        WANT, name="new", key=KeySchema(partition=KeyAttribute("id", "S")), indexes=None, ttl=None
    )
    found = prove(case, want, replace(KNOWN, frozen=frozen))
    assert "switches" in codes_of(found)
    stopping = [one.code for one in blocking(found, ["Worker"])]
    assert "switches" not in stopping
    stopping = [one.code for one in blocking(found, ())]
    assert ("switches" in stopping) is not frozen


@pytest.mark.parametrize(
    ("address", "more", "words"),
    [
        ("T", {}, "no DeletionPolicy for T"),
        ("T", {"DeletionPolicy": "Retain", "Properties": {}}, "does not name T"),
        ("T", {"DeletionPolicy": "Delete"}, None),
    ],
)
def test_only_a_table_that_cloudformation_imports_is_adopted(
    address: str, more: dict[str, Any], words: str | None
) -> None:
    held = template({"T": {**table(TableName="orders"), **more}})
    if words is None:
        require_adoptable(read_table(held, address, HERE), parts(held)[address])
        return
    with pytest.raises(Refused, match=words):
        require_adoptable(read_table(held, address, HERE), parts(held)[address])
