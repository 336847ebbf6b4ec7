"""A single item: its key as a person writes it, and what is found of it on both sides."""

from pathlib import Path

import pytest

from retable.runner.failure import Refused
from retable.runner.verify.one_item import differs, parse_key
from retable.schema.spec import KeyAttribute, KeySchema
from support.both import Both, item

ONE = KeySchema(partition=KeyAttribute("id", "S"))
TWO = KeySchema(partition=KeyAttribute("id", "S"), sort=KeyAttribute("at", "N"))


@pytest.mark.parametrize(
    ("text", "key", "canonical"),
    [
        ("a", ONE, '{"id":{"S":"a"}}'),
        ("a,b", ONE, '{"id":{"S":"a,b"}}'),
        ("a,1.0", TWO, '{"id":{"S":"a"},"at":{"N":"1"}}'),
        ('{"at":{"N":"1e0"},"id":{"S":"a,b"}}', TWO, '{"id":{"S":"a,b"},"at":{"N":"1"}}'),
    ],
)
def test_a_key_is_read_as_a_person_writes_it(text: str, key: KeySchema, canonical: str) -> None:
    assert parse_key(text, key) == canonical


@pytest.mark.parametrize("text", ["a", "a,b", '{"id":{"S":"a"}}', "{", '{"id":1,"at":2}', ""])
def test_what_is_no_key_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(Refused) as refused:
        parse_key(text, TWO)
    assert "write id,at or DynamoDB JSON" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("same", None), ("gone", "missing"), ("new", "extra"), ("other", "different")],
)
def test_an_item_is_held_to_account_on_both_sides(
    tmp_path: Path, name: str, kind: str | None
) -> None:
    exported = [item("same"), item("gone"), item("other", n={"N": "1"})]
    both = Both(tmp_path, exported, [item("same"), item("new"), item("other", n={"N": "2"})])
    key = parse_key(name, ONE)
    _, _, found = differs(key, both.expected, both.drill, None, quarantined=None, expired=None)
    assert (found.kind if found else None) == kind


def test_an_item_on_neither_side_does_not_differ(tmp_path: Path) -> None:
    both = Both(tmp_path, [item("a")], [item("a")])
    key = parse_key("b", ONE)
    found = differs(key, both.expected, both.drill, None, quarantined=None, expired=None)
    assert found == (None, None, None)
