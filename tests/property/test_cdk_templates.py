"""Laws of templates: what differs, and who needs whom."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.cdk.cdk_finding import blocking
from retable.runner.cdk.difference import changes, differences
from retable.runner.cdk.proof import prove_addition, prove_removal
from retable.runner.cdk.references import dependents, needs
from support.assemblies import table, template

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab1", max_size=2)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab"), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from("ABCDE")


@st.composite
def templates(draw: st.DrawFn) -> Any:
    """A few resources, each of which may name others."""
    resources = {}
    for name in draw(st.sets(names)):
        properties: dict[str, Any] = {"Value": draw(values)}
        for number, other in enumerate(draw(st.lists(names, max_size=2))):
            properties[f"Other{number}"] = {"Ref": other}
        resources[name] = {"Type": "T", "Properties": properties}
    return template(resources)


@given(values)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert list(differences(value, value, "")) == []


@given(values, values)
def test_differing_is_mutual_and_in_the_same_places(one: Any, other: Any) -> None:
    assert sorted(differences(one, other, "")) == sorted(differences(other, one, ""))


@given(templates(), templates())
def test_what_is_added_one_way_is_removed_the_other(one: Any, other: Any) -> None:
    turned = {"added": "removed", "removed": "added", "changed": "changed"}
    there = {(change.address, change.kind) for change in changes(one, other)}
    back = {(change.address, turned[change.kind]) for change in changes(other, one)}
    assert there == back


@given(templates(), names)
def test_what_is_left_without_a_part_and_its_dependents_names_neither(
    found: Any, name: str
) -> None:
    gone = dependents(found, [name]) | {name}
    for address, needed in needs(found).items():
        assert address in gone or not needed & gone


@given(templates(), templates())
def test_whatever_else_an_absent_template_does_is_found(one: Any, other: Any) -> None:
    deployed = template({**one.body["Resources"], "T": table()})
    found = prove_removal(deployed, other, "T")
    judged = {finding.subject for finding in found} | {"T"}
    assert judged == {change.address for change in changes(deployed, other)}


@given(templates(), names)
def test_taking_away_a_part_and_what_needs_it_is_proved_with_nothing_to_accept(
    found: Any, name: str
) -> None:
    resources = {**found.body["Resources"], name: {"Type": "T"}}
    deployed = template(resources)
    gone = dependents(deployed, [name]) | {name}
    absent = template({key: body for key, body in resources.items() if key not in gone})
    assert blocking(prove_removal(deployed, absent, name), ()) == ()
    assert blocking(prove_addition(absent, deployed, name), ()) == ()


@given(templates(), names, st.sampled_from(["add", "drop", "change"]))
def test_one_change_more_is_never_proved(found: Any, name: str, more: str) -> None:
    resources = {**found.body["Resources"], "T": table(), "Extra": {"Type": "T"}}
    deployed = template(resources)
    gone = dependents(deployed, ["T"]) | {"T"}
    left = {key: body for key, body in resources.items() if key not in gone}
    if more == "add":
        left["New"] = {"Type": "T"}
    elif more == "drop":
        left.pop("Extra")
    else:
        left["Extra"] = {"Type": "T", "Properties": {"X": name}}
    (stopping,) = blocking(prove_removal(deployed, template(left), "T"), ())
    assert stopping.subject == ("New" if more == "add" else "Extra")
