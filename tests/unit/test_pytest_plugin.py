"""The pytest plugin, in test suites of its own."""

from xml.etree import ElementTree as ET

import pytest

# Pytester forgets what was imported during an inner run, and PyYAML cannot be imported twice.
import retable.runner.spec_items
import retable.schema.compose  # noqa: F401
from support.small_specs import (
    BROKEN,
    MAILED,
    bad_expression_spec,
    misspelt_spec,
    small_spec,
    with_functions_spec,
)

# Each inner suite runs in this process; what this suite is configured to is not theirs.
pytestmark = pytest.mark.usefixtures("clean_options")


@pytest.fixture
def clean_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.delenv("CI", raising=False)


def write(pytester: pytest.Pytester, **specs: str) -> None:
    for name, text in specs.items():
        (pytester.path / f"{name}.migrate.yaml").write_text(text)


def test_a_spec_is_a_lint_item_and_an_item_for_each_row(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec())
    result = pytester.runpytest("-v")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(
        [
            "a.migrate.yaml::lint PASSED*",
            "a.migrate.yaml::test[[]lowers the mail] PASSED*",
            "a.migrate.yaml::test[[]drops children] PASSED*",
        ]
    )


def test_one_row_can_be_asked_for_by_its_id(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec())
    result = pytester.runpytest("a.migrate.yaml::test[drops children]")
    result.assert_outcomes(passed=1)


def test_a_row_that_fails_shows_the_line_and_only_what_differs(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(mail="c@d"))
    result = pytester.runpytest()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["a.migrate.yaml:12: row test 'lowers the mail' failed", "  *mail*c@d*a@b*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*spec_items.py*")
    result.stdout.no_fnmatch_line("*age*")


def test_a_broken_spec_fails_its_lint_item_and_hides_no_other(pytester: pytest.Pytester) -> None:
    write(pytester, a=BROKEN, b=small_spec(), c=misspelt_spec())
    pytester.makepyfile(test_python="def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["error[[]MIG*", " --> c.migrate.yaml:8:1", "8 | transfrom:"])


def test_a_fault_in_an_expression_fails_lint_and_its_rows_point_there(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, a=bad_expression_spec())
    result = pytester.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["*--> a.migrate.yaml:10:*", "a.migrate.yaml has errors; its lint item tells them"]
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"- 1\n", b"a: [\n", b"\x00"])
def test_whatever_the_file_holds_collecting_goes_on(
    pytester: pytest.Pytester, content: bytes
) -> None:
    (pytester.path / "a.migrate.yaml").write_bytes(content)
    write(pytester, b=small_spec())
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=1)


def test_an_unforeseen_fault_fails_the_lint_item_with_its_traceback(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, a=small_spec(), b=small_spec("b"))
    pytester.makeconftest(
        """
        import retable.runner.spec_findings as spec_findings
        import retable.runner.spec_items as spec_items

        def load(path, file, **rest):
            if file == "a.migrate.yaml":
                raise RuntimeError("unforeseen")
            return spec_findings.load(path, file, **rest)

        def pytest_sessionstart(session):
            spec_items.load = load

        def pytest_sessionfinish(session):
            spec_items.load = spec_findings.load
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: unforeseen*"])


def test_tags_are_marks_that_strict_markers_accepts(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", tags="[orders, re-key]"), b=small_spec("b"))
    result = pytester.runpytest("--strict-markers", "-W", "error", "-m", "orders and re-key")
    result.assert_outcomes(passed=3, deselected=3)


def test_a_tag_that_cannot_be_a_mark_selects_by_k(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", tags="[_own]"), b=small_spec("b"))
    pytester.runpytest("-k", "_own").assert_outcomes(passed=3, deselected=3)


def test_k_selects_by_name_and_by_tag(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", tags="[orders]"), b=small_spec("b"))
    pytester.runpytest("-k", "orders").assert_outcomes(passed=3, deselected=3)
    pytester.runpytest("-k", "children").assert_outcomes(passed=2, deselected=4)


def test_collecting_alone_lists_the_items(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(mail="c@d"))
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.fnmatch_lines(
        [
            "a.migrate.yaml::lint",
            "a.migrate.yaml::test[[]lowers the mail]",
            "a.migrate.yaml::test[[]drops children]",
        ]
    )
    assert result.ret == 0


def test_two_specs_with_one_name_fail_the_second_one(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("twin"), b=small_spec("twin"))
    result = pytester.runpytest()
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["*a.migrate.yaml has a spec called 'twin' already*"])


def test_other_yaml_is_left_alone(pytester: pytest.Pytester) -> None:
    for name in ("a.yaml", "migrate.yaml", "a.migrate.yml", "a.migrate.yaml.bak"):
        (pytester.path / name).write_text("a: [\n")
    pytester.makepyfile(test_python="def test_it(): pass")
    pytester.runpytest().assert_outcomes(passed=1)


def test_custom_functions_are_not_run_and_their_rows_fail(pytester: pytest.Pytester) -> None:
    (pytester.path / "functions.py").write_text(MAILED + "raise SystemExit('imported')\n")
    write(pytester, a=with_functions_spec())
    result = pytester.runpytest("-k", "test")
    result.assert_outcomes(failed=2, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "*row test 'lowers the mail' could not be evaluated",
            "  transform.functions: mailed() may not be run; add --allow-functions",
        ]
    )


def test_custom_functions_run_where_the_ini_option_allows_it(pytester: pytest.Pytester) -> None:
    (pytester.path / "functions.py").write_text(MAILED)
    pytester.makeini("[pytest]\nmigrate_allow_functions = true\n")
    write(pytester, a=with_functions_spec())
    pytester.runpytest().assert_outcomes(passed=3)


def test_a_report_for_machines_names_file_and_item(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(mail="c@d"), b=BROKEN)
    pytester.runpytest("--junitxml=out.xml")
    cases = list(ET.parse(pytester.path / "out.xml").iter("testcase"))  # noqa: S314 -- pytest's own
    assert [case.get("name") for case in cases] == [
        "lint",
        "test[lowers the mail]",
        "test[drops children]",
        "lint",
    ]
    failure = cases[1].find("failure")
    assert failure is not None
    assert "row test 'lowers the mail' failed" in (failure.text or "")


def test_several_processes_find_the_same(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", mail="c@d", tags="[orders]"), b=BROKEN, c=small_spec("c"))
    result = pytester.runpytest("-n", "2", "--strict-markers")
    result.assert_outcomes(passed=5, failed=2)


def test_the_line_of_a_row_test_is_told(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec())
    items, _ = pytester.inline_genitems()
    assert [item.reportinfo()[1:] for item in items] == [
        (0, "lint"),
        (11, "test[lowers the mail]"),
        (14, "test[drops children]"),
    ]
