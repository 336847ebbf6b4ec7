"""What the linter advises beyond errors: each rule at its edges, where it speaks and where not."""

from pathlib import Path

import pytest

from retable.runner.lint.spec_findings import check, load
from retable.schema.rule_examples import RuleExample

KEY = (
    "target: {table: orders-v2, key: {partition: {name: pk, type: S}, sort: {name: sk, type: S}}}\n"
)
ROW = "tests: [{name: a, given: {a: x, b: y, n: 1}, expect_some: {pk: x, sk: y}}]\n"
EACH = """\
target: {table: orders-v2, key: {partition: {name: pk, type: S}}}
transform:
  items:
    - {each: lines, as: line, fields: {pk: line.sku}}
"""
LINES = "tests: [{name: a, given: {lines: [{sku: x}]}, expect_some: {pk: x}}]\n"


def codes(tmp_path: Path, part: str) -> list[str]:
    path = tmp_path / "a.migrate.yaml"
    path.write_text(RuleExample(why="").spec(part), encoding="utf-8")
    loaded = check(load(path))
    assert loaded.spec is not None, [str(problem) for problem in loaded.problems]
    return [problem.code for problem in loaded.problems]


def keyed(partition: str, sort: str) -> str:
    return f'{KEY}transform:\n  fields: {{pk: "{partition}", sk: "{sort}"}}\n{ROW}'


@pytest.mark.parametrize(
    ("partition", "sort", "found"),
    [
        ("a", "b", []),
        ("join('#', [a, b])", "b", []),
        ("join('', [a, b])", "b", ["MIG333"]),
        ("join('', [a, '-', b])", "b", []),
        ("concat(a, b)", "b", ["MIG333"]),
        ("concat(a, '#', b)", "b", []),
        ("a", "lower(join('', [a, b]))", ["MIG333"]),
        ("a", "to_string(n)", ["MIG334"]),
        ("to_string(n)", "b", []),
        ("a", "join('#', [b, to_string(n)])", ["MIG334"]),
        ("a", "pad_left(to_string(n), `9`, '0')", []),
        ("'all'", "b", ["MIG332"]),
        ("a", "'all'", []),
    ],
)
def test_keys(tmp_path: Path, partition: str, sort: str, found: list[str]) -> None:
    assert codes(tmp_path, keyed(partition, sort)) == found


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("a.x", ["MIG407"]),
        ("a[0].x", []),
        ("n", []),
        ("not_null(zz, a)", ["MIG407"]),
        ("items[*].zz", ["MIG407"]),
        ("map(&zz, to_array(a))[0]", []),
        ("a | zz", []),
        ("{x: a, y: zz}.x", ["MIG407"]),
        ("a == zz && a || b", ["MIG407"]),
        ("@.a", []),
    ],
)
def test_paths(tmp_path: Path, expression: str, found: list[str]) -> None:
    part = keyed("a", "b").replace("fields: {", f'fields: {{f: "{expression}", ')
    part = part.replace("expect_some: {", "expect_some: {f: null, ")
    assert [code for code in codes(tmp_path, part) if code != "MIG504"] == found


def test_the_names_that_a_template_binds_are_no_attributes(tmp_path: Path) -> None:
    assert codes(tmp_path, EACH + LINES) == []
    assert codes(tmp_path, EACH.replace("line.sku", "lime.sku") + LINES) == ["MIG407"]
    assert codes(tmp_path, EACH.replace("each: lines", "each: limes") + LINES) == ["MIG407"]


@pytest.mark.parametrize(
    ("expect", "found"),
    [
        ("expect_some: {pk: x, sk: y}", []),
        ("expect_some: {pk: 7, sk: y}", ["MIG504"]),
        ("expect_some: {pk: null, sk: y}", ["MIG504"]),
        ("expect: {pk: x}", ["MIG504"]),
        ("expect: {pk: x, sk: y}", []),
        ("expect: [{pk: x, sk: y}, {pk: x, sk: 1}]", ["MIG504"]),
        ("expect: {rejected: malformed-item}", ["MIG504"]),
        ("expect: {rejected: missing-key}", []),
        ("expect: dropped", ["MIG504"]),
    ],
)
def test_rows_that_can_never_pass(tmp_path: Path, expect: str, found: list[str]) -> None:
    rows = f"tests:\n  - {{name: a, given: {{a: x, b: y}}, {expect}}}\n"
    rows += "  - {name: b, given: {a: z, b: y}, expect_some: {pk: z, sk: y}}\n"
    assert codes(tmp_path, keyed("a", "b").replace(ROW, rows)) == found


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("ends: n", []),
        ("ends: {from: n, type: N}", []),
        ("ends: {from: n, type: S}", ["MIG335"]),
        ("ends: epoch_to_iso(n)", ["MIG335"]),
        ("ends: iso_to_epoch(a)", []),
        ("other: n", []),
    ],
)
def test_ttl(tmp_path: Path, field: str, found: list[str]) -> None:
    part = keyed("a", "b").replace("fields: {", f"fields: {{{field}, ")
    part = part.replace(
        "sort: {name: sk, type: S}}}", "sort: {name: sk, type: S}}, settings: {ttl: ends}}"
    )
    part = part.replace("expect_some: {", "expect_some: {ends: null, other: null, ")
    assert codes(tmp_path, part) == found


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ("load: {rate: 500}", []),
        ("verify: {checksum: [sk]}", []),
        ("verify: {queries: [{name: a, sql: select 1 from TARGET, expect: 1}]}", []),
        ("verify: {queries: [{name: a, sql: \"select 'target'\", expect: 1}]}", ["MIG338"]),
        ("verify: {queries: [{name: a, sql: select 1 -- target, expect: 1}]}", ["MIG338"]),
    ],
)
def test_sections(tmp_path: Path, section: str, found: list[str]) -> None:
    assert codes(tmp_path, f"{keyed('a', 'b')}{section}\n") == found


@pytest.mark.parametrize(("share", "found"), [("1%", []), ("1.01%", ["MIG330"]), ("500", [])])
def test_rejects(tmp_path: Path, share: str, found: list[str]) -> None:
    part = keyed("a", "b").replace("  fields:", f"  max_rejects: {share}\n  fields:")
    assert codes(tmp_path, part) == found


@pytest.mark.parametrize(
    ("target", "strategy", "found"),
    [
        ("orders", "replace", ["MIG339"]),
        ("orders", "replace  # migrate: ignore MIG339 -- others know it by this name", []),
        ("orders-v2", "side-by-side", []),
        ("orders", "recover", []),
    ],
)
def test_replacing_a_table_is_for_where_the_name_must_stay(
    tmp_path: Path, target: str, strategy: str, found: list[str]
) -> None:
    part = keyed("a", "b").replace("orders-v2", target)
    assert codes(tmp_path, f"{part}rebuild:\n  strategy: {strategy}\n") == found
