"""``--fix`` edits text: what is wrong is corrected, everything else stays to the byte."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retable.runner.cli.lint import lint
from retable.runner.failure import Refused
from retable.runner.lint.fix import apply_edits, fixed_text
from retable.runner.lint.spec_findings import check, load
from retable.schema.problem import Edit, Span
from retable.schema.rule_examples import rule_examples
from retable.schema.rules import Rule
from support.command import SPECS

WRONG = """\
# Mail by mail.
spec: "1"  # the language
name: people
tags: [a, b, a]  # twice
source: {table: people, export: {kind: native, location: export/}}
target:
  table: people-by-mail
  key: {partition: {name: mail, type: S}}
transform:
  where: kind != `robot`   # no robots
  fields:
    mail: mail
    cents: total * `100` # in cents
    none: {from: coupon, type: NULL}
tests:
  # The first.
  - name: keeps the mail  # migrate: ignore MIG330 -- it was so
    given: {mail: a@b, kind: human, total: 1, coupon: null, born: 2026-01-02}
    expect_some: {mail: a@b, cents: 100, none: null}
  # migrate: ignore MIG331 -- it was so
  - {name: drops robots, given: {mail: a@b, kind: robot}, expect: dropped}
"""
RIGHT = """\
# Mail by mail.
spec: 1  # the language
name: people
tags: [a, b]  # twice
source: {table: people, export: {kind: native, location: export/}}
target:
  table: people-by-mail
  key: {partition: {name: mail, type: S}}
transform:
  where: kind != 'robot'   # no robots
  fields:
    mail: mail
    cents: "multiply(total, `100`)" # in cents
    none: {from: coupon, type: "NULL"}
tests:
  # The first.
  - name: keeps the mail
    given: {mail: a@b, kind: human, total: 1, coupon: null, born: "2026-01-02"}
    expect_some: {mail: a@b, cents: 100, none: null}
  - {name: drops robots, given: {mail: a@b, kind: robot}, expect: dropped}
"""
# Each line with its remedy, without the comments; what a comment asks in vain goes as a whole.
PAIRS = [
    (bad.partition("  #")[0].partition(" #")[0], good.partition("  #")[0].partition(" #")[0])
    for bad, good in zip(
        (line for line in WRONG.splitlines() if not line.strip().startswith("#")),
        (line for line in RIGHT.splitlines() if not line.strip().startswith("#")),
        strict=True,
    )
]
SHOWN = [rule for rule, example in rule_examples().items() if example.bad and not example.beside]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "a.migrate.yaml"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(lint, arguments, env={"GITHUB_ACTIONS": None})


def test_what_has_one_remedy_is_put_right_and_comments_stay(path: Path) -> None:
    path.write_text(WRONG)
    result = run("--fix")
    assert path.read_text() == RIGHT
    assert (result.exit_code, result.stdout) == (0, "")
    assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name]


def test_line_ends_the_mark_and_the_mode_stay(path: Path) -> None:
    crlf = b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode()
    path.write_bytes(crlf)
    path.chmod(0o640)
    run("--fix")
    assert path.read_bytes() == b"\xef\xbb\xbf" + RIGHT.replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640


def test_no_link_is_written_through(path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_text(WRONG)
    path.symlink_to(elsewhere)
    refused = run("--fix").exception
    assert isinstance(refused, Refused)
    assert refused.message == "a.migrate.yaml is a symbolic link, which --fix does not follow"
    path.unlink()
    path.write_text(WRONG)
    path.with_name(".a.migrate.yaml.fixed").symlink_to(elsewhere)
    assert run("--fix").exit_code == 0
    assert (path.read_text(), elsewhere.read_text()) == (RIGHT, WRONG)


COMMENTS = st.one_of(
    st.just(""),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=12).map(" # {}".format),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_fix_makes_the_right_spec_of_a_wrong_one_whatever_else_it_holds(
    path: Path, data: st.DataObject
) -> None:
    wrong, right = [], []
    for bad, good in PAIRS:
        comment = data.draw(COMMENTS)
        right.append(f"{good}{comment}\n")
        wrong.append(f"{bad}{comment}\n" if data.draw(st.booleans()) else right[-1])
        if data.draw(st.booleans()):
            between = f"{data.draw(st.sampled_from(('', '  ')))}{data.draw(COMMENTS)}\n"
            wrong.append(between)
            right.append(between)
    path.write_text("".join(wrong), "utf-8")
    loaded = check(load(path))
    assert fixed_text(loaded) == "".join(right)


@pytest.mark.parametrize("name", sorted(path.name for path in SPECS.glob("*.migrate.yaml")))
def test_a_fix_does_not_change_what_a_sound_spec_says(path: Path, name: str) -> None:
    text = (SPECS / name).read_text("utf-8").replace("given: {", "given: {born: 2026-01-02, ")
    path.write_text(text, "utf-8")
    (path.parent / "order_tiers.py").write_text("")
    before = load(path)
    fixed = fixed_text(check(before))
    after = load(path, raw=fixed.encode())
    assert before.spec is not None
    assert after.spec is not None
    assert (fixed != text) == ("2026-01-02," in text)
    assert re.findall("#.*", fixed) == re.findall("#.*", text)
    assert [row.given for row in after.spec.tests] == [row.given for row in before.spec.tests]
    assert [row.expect for row in after.spec.tests] == [row.expect for row in before.spec.tests]


def test_a_second_fix_changes_nothing(path: Path) -> None:
    path.write_text(RIGHT)
    assert run("--fix").exit_code == 0
    assert path.read_text() == RIGHT


def test_a_diff_is_shown_and_nothing_is_written(path: Path) -> None:
    path.write_text(WRONG)
    result = run("--diff")
    assert result.exit_code == 1
    assert path.read_text() == WRONG
    assert result.stdout.startswith(
        "--- a.migrate.yaml\n+++ a.migrate.yaml\n@@ -1,21 +1,20 @@\n # Mail by mail.\n"
        '-spec: "1"  # the language\n+spec: 1  # the language\n'
    )
    path.write_text(RIGHT)
    assert (run("--diff").exit_code, run("--diff").stdout) == (0, "")


def test_what_needs_a_decision_stays(path: Path) -> None:
    text = RIGHT.replace("name: people", "nam: people").replace("kind: human", "kind: no")
    path.write_text(text)
    assert run("--fix").exit_code == 1
    assert path.read_text() == text


@pytest.mark.parametrize("rule", SHOWN, ids=lambda rule: rule.code)
def test_a_fix_of_any_bad_example_leaves_no_finding_of_its_rule(path: Path, rule: Rule) -> None:
    example = rule_examples()[rule]
    assert example.bad is not None
    path.write_text(example.spec(example.bad))
    before = run("--format", "concise").stdout
    changes = run("--diff").stdout
    run("--fix")
    after = run("--format", "concise").stdout
    assert (rule.code in before and rule.code not in after) if changes else before == after


def test_of_two_edits_that_overlap_the_first_is_applied() -> None:
    edits = [Edit(Span(1, 2, 1, 5), "X"), Edit(Span(1, 4, 1, 6), "Y"), Edit(Span(1, 6, 1, 6), "Z")]
    assert apply_edits("abcdefg\n", edits) == "aXeZfg\n"


@given(
    st.text(st.sampled_from("ab\n\r\u2028é"), max_size=30),
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(0, 9)), max_size=4),
)
def test_edits_of_any_places_leave_the_rest(text: str, places: list[tuple[int, int, int]]) -> None:
    edits = [Edit(Span(line, at, line, at + length), "") for line, at, length in places]
    assert len(apply_edits(text, edits)) <= len(text)
    assert apply_edits(text, []) == text
