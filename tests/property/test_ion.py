"""Laws of Ion: an item that went through it is the item it was."""

from pathlib import Path
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.ion_text import ion_line
from retable.runner.export.item_lines import NO_ITEM, item_reader
from retable.transforms.canonical import canonical_values
from support.items import ITEMS, NAMES, TEXT

READ = item_reader(CheckedFile(key="a", path=Path(), item_count=1, md5="", format="ION"))
ANY_TEXT = st.text(max_size=20)
WIDE_ITEMS = st.dictionaries(
    ANY_TEXT.filter(bool),
    st.one_of(
        ANY_TEXT.map(lambda text: {"S": text}),
        st.lists(ANY_TEXT, unique=True, min_size=1, max_size=3).map(lambda found: {"SS": found}),
        st.decimals(allow_nan=False, allow_infinity=False, places=20)
        .filter(lambda number: len(number.normalize().as_tuple().digits) <= 38)
        .map(lambda number: {"N": f"{number:f}"}),
    ),
    max_size=5,
)


@given(item=st.one_of(ITEMS, WIDE_ITEMS))
def test_an_item_read_from_ion_is_the_bytes_of_its_dynamodb_json(item: dict[str, Any]) -> None:
    stored = canonical_values(item)
    line = ion_line({"Item": stored})
    assert b"\n" not in line
    assert READ(line) == orjson.dumps({"Item": stored})


@given(item=ITEMS, at=st.floats(0, 1, exclude_max=True), with_=st.binary(max_size=3))
def test_a_damaged_line_is_an_item_or_none_and_never_an_error(
    item: dict[str, Any], at: float, with_: bytes
) -> None:
    line = bytearray(ion_line({"Item": canonical_values(item)}))
    place = int(at * len(line))
    line[place : place + 1] = with_
    found = READ(bytes(line))
    assert found == NO_ITEM or set(orjson.loads(found)) == {"Item"}


@given(text=st.text(max_size=40))
def test_any_text_is_an_item_or_none_and_never_an_error(text: str) -> None:
    found = READ(text.encode())
    assert found == NO_ITEM or set(orjson.loads(found)) == {"Item"}


@given(name=NAMES, text=TEXT)
def test_quotes_and_keywords_in_names_and_texts_are_theirs(name: str, text: str) -> None:
    odd = {f"{name}'": {"S": f'"{text}\\'}, "null": {"S": "true"}, "$1": {"S": "$ion_1_0"}}
    assert READ(ion_line({"Item": odd})) == orjson.dumps({"Item": odd})
