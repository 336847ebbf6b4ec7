"""A spec made to keep the linter busy, or to steer what shows its findings, does neither.

Each of the large ones took minutes while some pass compared everything in it with everything.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from retable.runner.lint.formats import github, gitlab, json, junit, markdown, sarif, terminal_text
from retable.runner.lint.result import LintResult
from retable.runner.lint.spec_findings import LoadedSpec, check, load
from retable.runner.spec.collect import find_specs
from retable.runner.text.code_frame import concise_frame, render_problems
from retable.schema.findings import MAX_FINDINGS
from support.small_specs import small_spec

MORE = f"there are more than these {MAX_FINDINGS:,} findings"
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORMS: dict[str, Callable[[LintResult], str]] = {
    "full": lambda result: "\n".join(part.plain for part in terminal_text.full(result)),
    "concise": lambda result: "\n".join(part.plain for part in terminal_text.concise(result)),
    "json": json.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "sarif": sarif.render,
    "junit": lambda result: junit.render(result, fail_on="warning"),
    "markdown": markdown.render,
}


def linted(spec: str, path: Path) -> LoadedSpec:
    """Return what the linter makes of a spec, frames included."""
    path.write_text(spec, encoding="utf-8")
    found = check(load(path))
    assert render_problems(found.problems, found.text)
    return found


def many(count: int, line: str) -> str:
    return "".join(line.replace("#", str(number)) for number in range(count))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (many(40_000, "k#: 1\n"), "MIG201"),
        (many(60_000, "zz: 1\n"), "MIG108"),
        (many(8_000, "no: 1\n"), "MIG109"),
    ],
    ids=["unknown", "twice", "ambiguous"],
)
def test_of_too_many_errors_the_first_are_reported(more: str, code: str, tmp_path: Path) -> None:
    found = linted(small_spec() + more, tmp_path / "a.migrate.yaml").problems
    assert len(found) == MAX_FINDINGS
    assert {problem.code for problem in found} == {code}
    assert found[-1].hint == MORE


def test_of_too_many_faulty_expressions_the_first_are_reported(tmp_path: Path) -> None:
    fields = many(10_000, ", f#: lowwer(a)")
    spec = small_spec().replace("lower(email)}", f"lower(email){fields}}}")
    found = linted(spec, tmp_path / "a.migrate.yaml").problems
    assert (len(found), found[-1].code, found[-1].hint) == (MAX_FINDINGS, "MIG402", MORE)


def test_of_too_many_warnings_the_first_are_reported(tmp_path: Path) -> None:
    fields = many(5_000, ", f#: a#.b")
    rows = many(5_000, "  - {name: t#, given: {email: a, age: 18, a: {c: #}}, expect: dropped}\n")
    spec = small_spec().replace("lower(email)}", f"lower(email){fields}}}") + rows
    found = linted(spec, tmp_path / "a.migrate.yaml").problems
    assert (len(found), found[-1].hint) == (MAX_FINDINGS, MORE)


def test_of_too_many_unused_comments_the_first_are_reported(tmp_path: Path) -> None:
    spec = small_spec() + "# migrate: ignore MIG330\n" * 20_000
    found = linted(spec, tmp_path / "a.migrate.yaml").problems
    assert (len(found), found[-1].code, found[-1].hint) == (MAX_FINDINGS, "MIG602", MORE)


@pytest.mark.parametrize("form", FORMS)
def test_no_format_passes_through_control_sequences(form: str, tmp_path: Path) -> None:
    keys = (r"\e]0;t\a::warning::x", r"a\n::error::b", r"\u202e", "<img src=x onerror=1>|`@team")
    spec = small_spec() + "".join(f'? "{key}"\n: 1\n' for key in keys)
    shown = FORMS[form](LintResult([linted(spec, tmp_path / "a\n::error::.migrate.yaml")]))
    assert not STEERING.search(shown)
    commands = [line for line in shown.splitlines() if line.startswith("::")]
    assert len(commands) == (len(keys) if form == "github" else 0)
    assert form not in {"markdown", "junit"} or "<img" not in shown
    assert form != "markdown" or "@team" not in shown


def test_a_finding_is_one_line_where_it_shall_be_one(tmp_path: Path) -> None:
    found = linted(small_spec() + '? "a\\nb"\n: 1\n', tmp_path / "a.migrate.yaml")
    assert [concise_frame(problem).plain.count("\n") for problem in found.problems] == [0]


def test_a_pipe_in_a_folder_is_no_spec(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.migrate.yaml")
    (tmp_path / "b.migrate.yaml").write_text(small_spec(), encoding="utf-8")
    assert find_specs([tmp_path]) == [tmp_path / "b.migrate.yaml"]
