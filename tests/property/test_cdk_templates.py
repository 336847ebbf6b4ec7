"""Laws of templates: what differs, and who needs whom."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.cdk.difference import changes, differences
from retable.runner.cdk.references import dependents, needs
from support.assemblies import template

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
