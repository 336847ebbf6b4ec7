"""Laws of reading a spec: read or refused, never another error; places inside; numbers exact."""

import copy
import random
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.schema import load_spec
from retable.schema.document import Document, read_document
from retable.schema.problem import Span, SpecError
from retable.schema.scalars import AmbiguousScalarError, resolve_plain
from retable.schema.spec import Spec
from retable.schema.typed import faults
from retable.schema.values import ValueFaultError, to_typed, to_typed_item
from support.builders import as_yaml

CASES = Path(__file__).parents[1] / "cases"
SEEDS = [path.read_bytes() for path in sorted(CASES.rglob("*.yaml"))]
EVERYTHING: Any = read_document(
    "spec.yaml", (CASES / "valid" / "everything" / "spec.yaml").read_text(encoding="utf-8")
).value
NOISE = st.sampled_from(
    [
        *(
            "no",
            "0123",
            "1e999",
            "~",
            "",
            "12:30",
            "1",
            "true",
            "- ",
            ": ",
            "\n",
            "\n  ",
            "\t",
            '"',
        ),
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            "#",
            "&a ",
            "*a",
            "!!set ",
            "!!binary ",
            "! ",
            "<<",
            "|",
            ">",
            "?",
        ),
        *(
            "\x00",
            "\x85",
            "\u2028",
            "\ufeff",
            "\\ud800",
            "\\U00110000",
            "é",
            "𝄞",
            "%",
            "---\n",
            "'",
        ),
        *(
            "NULL",
            "name",
            "table",
            "type",
            "S",
            "given",
            "expect",
            "rejected",
            "keep",
            "S3://",
            "..",
        ),
    ]
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(
    lambda number: len(number.as_tuple().digits) <= 38 and -130 <= number.adjusted() <= 125
)
SCALARS = st.one_of(
    st.text(max_size=8),
    st.integers(-(10**38) + 1, 10**38 - 1),
    NUMBERS,
    st.booleans(),
    st.none(),
    st.binary(max_size=6),
    st.sets(st.text(max_size=4), min_size=1, max_size=3),
    st.sets(st.integers(-99, 99), min_size=1, max_size=3),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1, max_size=4), inner)
    ),
    max_leaves=12,
)


@st.composite
def nearly_right(draw: st.DrawFn) -> bytes:
    """Draw the text of a case with up to three stretches of it changed."""
    text = draw(st.sampled_from(SEEDS)).decode("utf-8", "replace")
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 8))
        text = text[:start] + draw(NOISE | st.text(max_size=3)) + text[start + length :]
    return text.encode(errors="surrogatepass")


@st.composite
def wrong_somewhere(draw: st.DrawFn) -> str:
    """Draw a spec with every key, in which up to two values are others, misplaced or gone."""
    value = copy.deepcopy(EVERYTHING)
    for _ in range(draw(st.integers(1, 2))):
        holder: Any = value
        key: Any = draw(st.sampled_from(sorted(value)))
        while draw(st.booleans()) and isinstance(holder[key], dict | list) and holder[key]:
            holder = holder[key]
            key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else [0]))
        match draw(st.sampled_from(["other", "wrapped", "gone", "misspelt"])):
            case "other":
                holder[key] = draw(VALUES | NOISE | st.sampled_from([[], {}, 0, -1, 10**9, "x"]))
            case "wrapped":
                holder[key] = [holder[key]]
            case "misspelt" if isinstance(key, str):
                holder[key + "s"] = holder.pop(key)
            case _:
                del holder[key]
                if not holder:
                    return as_yaml(value)
    return as_yaml(value)


def outcome(load: Callable[[], Spec]) -> Spec | SpecError:
    try:
        return load()
    except SpecError as error:
        return error


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("specs") / "spec.yaml"


@given(nearly_right() | st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_file_is_a_spec_or_is_refused_with_places_inside_it(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    found = outcome(lambda: load_spec(path))
    problems = found.problems if isinstance(found, SpecError) else found.warnings
    assert len(set(problems)) == len(problems)
    assert problems or isinstance(found, Spec)
    lines = raw.decode("utf-8-sig", "replace").splitlines() or [""]
    for problem in problems:
        assert_inside(problem.span, lines)
        assert problem.message
        assert str(problem).startswith(f"{path}:")
    if isinstance(found, Spec):
        for span in found.origin.spans.values():
            assert_inside(span, lines)


@given(wrong_somewhere())
def test_any_value_anywhere_is_taken_or_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    found = outcome(lambda: load_spec(path))
    assert isinstance(found, Spec) or found.problems


@given(nearly_right())
def test_reading_twice_finds_the_same(path: Path, raw: bytes) -> None:
    path.write_bytes(raw)
    first, second = (outcome(lambda: load_spec(path)) for _ in range(2))
    if isinstance(first, SpecError):
        assert isinstance(second, SpecError)
        assert first.problems == second.problems
    else:
        assert first == second


def assert_inside(span: Span, lines: list[str]) -> None:
    """Assert that a span lies in the text; it may reach one character beyond the end of a line."""
    assert (1, 1) <= (span.line, span.column) <= (span.end_line, span.end_column)
    for line, column in ((span.line, span.column), (span.end_line, span.end_column)):
        assert line <= len(lines) + 1
        length = len(lines[line - 1]) if line <= len(lines) else 0
        assert column <= length + 2


@given(VALUES)
def test_any_value_reads_back_exactly(value: Any) -> None:
    document = read(f"a: {as_yaml(value)}\n")
    assert document.findings.problems == []
    assert document.value == {"a": value}
    assert _types(document.value["a"]) == _types(value)


@given(VALUES)
def test_any_value_of_an_item_is_good_dynamodb_json(value: Any) -> None:
    try:
        item = to_typed_item({"a": value})
    except ValueFaultError as error:
        fault = error
    else:
        assert list(faults(item)) == []
        assert item["a"] == to_typed(value)
        return
    assert fault.path[0] == "a"


@given(NUMBERS)
def test_a_number_keeps_every_digit(number: Decimal) -> None:
    (text,) = to_typed(number).values()
    assert Decimal(text) == number
    assert "E" not in text.upper()


@given(st.text(alphabet="0123456789+-._:eExob", min_size=1, max_size=12))
def test_what_looks_like_a_number_is_exact_or_text_or_refused(text: str) -> None:
    try:
        value = resolve_plain(text)
    except AmbiguousScalarError:
        return
    except ValueError:
        return
    assert not isinstance(value, float)
    if isinstance(value, Decimal):
        assert value == Decimal(text)


@given(st.randoms(use_true_random=False), st.lists(st.text(min_size=1, max_size=5), unique=True))
def test_the_order_of_keys_does_not_change_a_spec(chance: random.Random, names: list[str]) -> None:
    sections = [
        "spec: 1\n",
        "name: things\n",
        "source: {table: things, export: {kind: scan}}\n",
        "target: {table: things-v2, key: {partition: {name: id, type: S}}}\n",
        "transform: {fields: {" + ", ".join(f"{as_yaml(name)}: a" for name in names) + "}}\n",
    ]
    shuffled = chance.sample(sections, len(sections))
    assert read("".join(shuffled)).value == read("".join(sections)).value


def read(text: str) -> Document:
    return read_document("spec.yaml", text)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _types(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_types(inner) for inner in value]
    return "number" if type(value) in {int, Decimal} else type(value)
