"""Lines of incremental exports: put or deleted by what is there, and anything else refused."""

from typing import Any

import orjson
import pytest

from retable.runner.export.changes import Change, NotAChangeError, read_change
from retable.runner.export.ion_text import ion_line
from retable.runner.export.manifest import View
from retable.runner.table.export_request import Format

META = {"WriteTimestampMicros": {"N": "1790001234567890"}}
KEYS = {"pk": {"S": "A"}, "sk": {"N": "1"}}
OLD = {**KEYS, "v": {"N": "1"}}
NEW = {**KEYS, "v": {"N": "2"}}
VIEWS: tuple[View, ...] = ("NEW_IMAGE", "NEW_AND_OLD_IMAGES")


def read(view: View, **fields: Any) -> Change:
    """Return the change that a line in DynamoDB JSON tells of."""
    line = orjson.dumps({name: value for name, value in fields.items() if value is not ...})
    return read_change(line, "DYNAMODB_JSON", view)


@pytest.mark.parametrize("view", VIEWS)
def test_an_insert_has_a_new_image_and_no_old_one(view: View) -> None:
    assert read(view, Metadata=META, Keys=KEYS, NewImage=NEW) == Change(KEYS, NEW)


def test_an_update_has_both_images() -> None:
    found = read(VIEWS[1], Metadata=META, Keys=KEYS, OldImage=OLD, NewImage=NEW)
    assert found == Change(KEYS, NEW, OLD)


def test_a_delete_has_no_new_image() -> None:
    assert read("NEW_IMAGE", Metadata=META, Keys=KEYS) == Change(KEYS, None)
    assert read(VIEWS[1], Metadata=META, Keys=KEYS, OldImage=OLD) == Change(KEYS, None, OLD)


def test_an_item_of_nothing_but_its_key_is_no_delete() -> None:
    """Being there is what counts, not being filled."""
    assert read("NEW_IMAGE", Metadata=META, Keys=KEYS, NewImage=KEYS) == Change(KEYS, KEYS)


def test_unknown_fields_and_a_bare_timestamp_are_passed_over() -> None:
    meta = {"WriteTimestampMicros": "1790001234567890", "Other": 1}
    assert read("NEW_IMAGE", Metadata=meta, Keys=KEYS, NewImage=NEW, More=[]).image == NEW


@pytest.mark.parametrize("wrapper", ["Record", None])
@pytest.mark.parametrize("fields", [{"NewImage": NEW}, {"OldImage": OLD, "NewImage": NEW}, {}])
def test_ion_says_the_same_with_and_without_a_wrapper(
    fields: dict[str, Any], wrapper: str | None
) -> None:
    line = ion_line({"Metadata": META, "Keys": KEYS, **fields}, wrapper)
    view: View = "NEW_AND_OLD_IMAGES" if "OldImage" in fields else "NEW_IMAGE"
    assert read_change(line, "ION", view) == Change(KEYS, fields.get("NewImage"))


@pytest.mark.parametrize(
    ("view", "fields", "words"),
    [
        (VIEWS[0], {"Metadata": ..., "NewImage": NEW}, "Metadata is missing"),
        (VIEWS[0], {"Metadata": None, "NewImage": NEW}, "Metadata is missing"),
        (VIEWS[0], {"Keys": ..., "NewImage": NEW}, "Keys is missing"),
        (VIEWS[0], {"Keys": {}, "NewImage": {}}, "Keys is missing"),
        (VIEWS[0], {"Keys": "A"}, "Keys is missing"),
        (VIEWS[0], {"OldImage": OLD}, "it has an OldImage, which the view NEW_IMAGE does not have"),
        (VIEWS[1], {}, "it has neither OldImage nor NewImage"),
        (VIEWS[0], {"NewImage": None}, "NewImage is not an object"),
        (VIEWS[1], {"OldImage": []}, "OldImage is not an object"),
        (VIEWS[1], {"NewImage": []}, "NewImage is not an object"),
        (VIEWS[0], {"NewImage": {}}, "NewImage has another key than Keys"),
        (VIEWS[0], {"NewImage": NEW | {"sk": {"N": "2"}}}, "NewImage has another key than Keys"),
    ],
)
def test_what_is_neither_a_put_nor_a_delete_is_refused_and_says_why(
    view: View, fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(NotAChangeError, match=words):
        read(view, **{"Metadata": META, "Keys": KEYS, **fields})


@pytest.mark.parametrize(
    ("form", "line"),
    [
        ("DYNAMODB_JSON", b""),
        ("DYNAMODB_JSON", b"[]"),
        ("DYNAMODB_JSON", b"{"),
        ("DYNAMODB_JSON", b'{"Item":{"pk":{"S":"A"}}}'),
        ("ION", b""),
        ("ION", b"$ion_1_0 {Item:{}}"),
        ("ION", b"$ion_1_0 {Record:[]}"),
        ("ION", b"$ion_1_0 {Record:{Metadata:{},Keys:{a:1e0}}}"),
    ],
)
def test_a_line_of_something_else_is_refused(form: Format, line: bytes) -> None:
    with pytest.raises(NotAChangeError):
        read_change(line, form, "NEW_IMAGE")
