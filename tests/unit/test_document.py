"""Documents: exact values, the place of each, and what YAML is refused."""

from decimal import Decimal
from typing import Any

import pytest
import yaml

from retable.schema import compose
from retable.schema.document import MAX_VALUES, Document, read_document
from retable.schema.problem import Span, SpecError
from support.checkout import ROOT


def read(text: str) -> Document:
    return read_document("spec.yaml", text)


def refusal(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        read(text)
    (problem,) = caught.value.problems
    assert caught.value.text == text
    return f"{problem.span.line}:{problem.span.column} {problem.name}: {problem.message}"


def findings(text: str) -> list[str]:
    found = read(text).findings.problems
    return [f"{problem.span.line}:{problem.span.column} {problem.name}" for problem in found]


def test_every_kind_of_value_is_read_as_what_it_is() -> None:
    document = read(
        "text: a b\nwhole: 12\nexact: 0.1\nlarge: 99999999999999999999999999999999999999\n"
        "truth: true\nnothing:\ndate: 2026-01-02\nquoted: '12'\n"
        "binary: !!binary |\n  AAEC\n  /w==\nset: !!set {a, b}\nlist: [1, [2]]\nmap: {a: {b: c}}\n"
    )
    assert document.value == {
        "text": "a b",
        "whole": 12,
        "exact": Decimal("0.1"),
        "large": 10**38 - 1,
        "truth": True,
        "nothing": None,
        "date": "2026-01-02",
        "quoted": "12",
        "binary": b"\x00\x01\x02\xff",
        "set": {"a", "b"},
        "list": [1, [2]],
        "map": {"a": {"b": "c"}},
    }
    assert [problem.code for problem in document.findings.problems] == ["MIG120"]


def test_no_number_is_ever_a_float() -> None:
    value: Any = read("a: [1.0, 1e3, .5, -2.50, 0x1F, 3]\n").value["a"]
    assert [type(number) for number in value] == [Decimal] * 4 + [int] * 2
    assert str(value[3]) == "-2.50"


def test_every_value_and_every_key_has_its_place() -> None:
    document = read("a: one\nbé:\n  - x\n  - {c: 'two', d: }\ne: >-\n  folded\n  text\n\n# end\n")
    places = {
        ("a",): Span(1, 4, 1, 7),
        ("bé",): Span(3, 3, 4, 20),
        ("bé", 0): Span(3, 5, 3, 6),
        ("bé", 1): Span(4, 5, 4, 20),
        ("bé", 1, "c"): Span(4, 9, 4, 14),
        ("bé", 1, "d"): Span(4, 18, 4, 18),
        ("e",): Span(5, 4, 7, 7),
    }
    found = {path: span for path, span in document.spans.items() if path}
    assert {path: found[path] for path in places} == places
    assert document.keys["bé", 1, "d"] == Span(4, 16, 4, 17)
    assert document.source(("bé", 1, "c")) == "'two'"


def test_an_alias_is_placed_where_it_is_written_and_its_parts_at_the_anchor() -> None:
    document = read("a: &x {b: 1}\nc: *x\n")
    assert document.value["c"] == {"b": 1}
    assert document.spans["c",] == Span(2, 4, 2, 6)
    assert document.spans["c", "b"] == Span(1, 11, 1, 12)


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML was built without libyaml")
def test_libyaml_and_pyyaml_find_the_same_nodes_in_the_same_places() -> None:
    paths = sorted([*ROOT.glob("specs/*.yaml"), *ROOT.glob("tests/cases/valid/*/spec.yaml")])
    assert paths
    for path in paths:
        text = path.read_bytes().decode("utf-8-sig")
        fast, slow = (
            compose._Composer(text, loader).root()  # noqa: SLF001 - the seam under test
            for loader in (yaml.CSafeLoader, yaml.SafeLoader)
        )
        assert _flat(fast) == _flat(slow), path


def _flat(node: compose.Node | None) -> object:
    assert node is not None
    return (node.kind, node.span, node.tag, node.text, [_flat(child) for child in node.children])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "1:1 empty-file: the spec is empty"),
        ("# x\n\n", "1:1 empty-file: the spec is empty"),
        ("- a\n", "1:1 not-a-mapping: a spec must be a mapping; found a list"),
        ("null\n", "1:1 not-a-mapping: a spec must be a mapping; found nothing"),
        ("a: 1\n--- {}\n", "2:1 several-documents: a second document starts here; one file"),
        ("a: [1\n", "2:1 yaml-syntax: not YAML: expected ',' or ']', but got the end of the file"),
        ('a: "\\q"\n', "1:6 yaml-syntax: not YAML: found unknown escape character 'q'"),
        ("a: \x07\n", "1:4 yaml-syntax: not YAML: the character U+0007 is not allowed in a file"),
        ("a: &x [*x]\n", "1:8 recursive-alias: an alias refers to something that contains it"),
        ("a: *x\n", "1:4 yaml-syntax: not YAML: the alias *x has no anchor before it"),
        ('a: "\\UFFFFFFFF"\n', "1:5 yaml-syntax: an escape that is not a character"),
    ],
)
def test_what_is_no_single_mapping_is_refused_with_one_finding(text: str, words: str) -> None:
    assert refusal(text).startswith(words)


def test_depth_is_bounded_in_text_and_through_aliases() -> None:
    assert "nested-too-deep" in refusal("a: " + "[" * 5000)
    assert "nested-too-deep" in refusal("a: " + "[" * 90 + "]" * 90 + "\n")
    chain = "".join(f"k{i}: &a{i} [[[[[[[[[[*a{i - 1}]]]]]]]]]]\n" for i in range(1, 20))
    assert "nested-too-deep" in refusal("k0: &a0 [x]\n" + chain)


def test_a_bomb_of_aliases_is_refused_before_it_grows() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 30)
    )
    assert f"more than {MAX_VALUES:,} values" in refusal(bomb)


def test_what_can_be_read_is_read_on_and_everything_is_found() -> None:
    text = (
        "a: no\na: 1\non: 2\n1: 3\nb: !!str x\nc: !!set [x]\nd: !!binary '?'\ne: {<<: {}}\n"
        "f: 1e999\ng: '\\ud800'\nh: \"\\ud800\"\n[i]: 4\nj: !!set {a, a}\nk: ! x\n"
    )
    assert findings(text) == [
        "1:4 ambiguous-scalar",
        "2:1 duplicate-key",
        "3:1 ambiguous-scalar",
        "4:1 key-not-text",
        "5:4 unsupported-tag",
        "6:4 bad-set",
        "7:4 bad-binary",
        "8:5 merge-key",
        "9:4 number-not-storable",
        "11:4 bad-text",
        "12:1 key-not-text",
        "13:14 bad-set",
        "14:4 unsupported-tag",
    ]


def test_numbers_that_are_equal_are_one_member_of_a_set() -> None:
    assert findings("a: !!set {1, 1.0}\n") == ["1:14 bad-set"]
    assert findings("a: !!set {1, '1', !!binary MQ==}\n") == []
