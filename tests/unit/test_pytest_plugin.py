"""The pytest plugin, in test suites of its own."""

from xml.etree import ElementTree as ET

import pytest

# Pytester forgets what an inner run imported; PyYAML and DuckDB cannot be imported twice.
import retable.runner.commands.verify
import retable.runner.pytest_plugin.spec_items
import retable.schema.compose  # noqa: F401
from support.exports import TABLE_ARN, make_export
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


def test_one_row_can_be_selected_by_its_id(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec())
    result = pytester.runpytest("a.migrate.yaml::test[drops children]")
    result.assert_outcomes(passed=1)


def test_a_row_that_fails_shows_the_line_and_only_what_differs(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(mail="c@d"))
    result = pytester.runpytest()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "a.migrate.yaml:12: row test 'lowers the mail' failed",
            '  mail: expected {"S":"c@d"}, got {"S":"a@b"}',
            "    produced by lower(email) in line 10",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*spec_items.py*")
    result.stdout.no_fnmatch_line("*age*")


def test_a_broken_spec_fails_its_lint_item_and_hides_no_other(pytester: pytest.Pytester) -> None:
    write(pytester, a=BROKEN, b=small_spec(), c=misspelt_spec())
    pytester.makepyfile(test_python="def test_it(): pass")
    result = pytester.runpytest()
    result.assert_outcomes(passed=4, failed=4)
    result.stdout.fnmatch_lines(["error[[]MIG*", " --> c.migrate.yaml:8:1", "8 | transfrom:"])
    result.stdout.fnmatch_lines(["c.migrate.yaml has errors; see its lint item"] * 2)


def test_a_fault_in_an_expression_fails_lint_and_its_rows_point_there(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, a=bad_expression_spec())
    result = pytester.runpytest()
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["*--> a.migrate.yaml:10:*", "a.migrate.yaml has errors; see its lint item"]
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
    write(pytester, a=small_spec("unforeseen"), b=small_spec("b"))
    pytester.makeconftest(
        """
        import retable.runner.pytest_plugin.spec_items as spec_items
        import retable.schema.outline as outlines

        def outline(text):
            if "unforeseen" in text:
                raise RuntimeError("unforeseen")
            return outlines.outline(text)

        def pytest_sessionstart(session):
            spec_items.outline = outline

        def pytest_sessionfinish(session):
            spec_items.outline = outlines.outline
        """
    )
    result = pytester.runpytest()
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: unforeseen*"])


def test_tags_are_marks_that_strict_markers_accepts(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", tags="[orders, re-key]"), b=small_spec("b"))
    result = pytester.runpytest("--strict-markers", "-W", "error", "-m", "orders and re-key")
    result.assert_outcomes(passed=3, deselected=3)


def test_a_tag_that_means_something_to_pytest_is_no_mark(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", tags="[parametrize, skip, 'a(b', orders]"))
    result = pytester.runpytest("--strict-markers", "-W", "error", "-m", "orders")
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(["*tags become pytest marks*"])


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
    result.stdout.fnmatch_lines(["*a.migrate.yaml already has a spec called 'twin'*"])


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
            "  transform.functions: not allowed to run mailed(); add --allow-functions",
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


def test_a_machine_s_report_has_file_and_line_of_a_row(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(mail="c@d"))
    pytester.runpytest("--junitxml=out.xml")
    cases = list(ET.parse(pytester.path / "out.xml").iter("testcase"))  # noqa: S314 -- pytest's own
    properties = {one.get("name"): one.get("value") for one in cases[1].iter("property")}
    assert properties == {"file": "a.migrate.yaml", "line": "12"}


def test_a_row_that_failed_last_is_found_again_after_its_spec_was_broken(
    pytester: pytest.Pytester,
) -> None:
    write(pytester, a=small_spec(mail="c@d"))
    pytester.runpytest("-p", "cacheprovider").assert_outcomes(passed=2, failed=1)
    write(pytester, a=misspelt_spec())
    result = pytester.runpytest("-p", "cacheprovider", "--lf")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["a.migrate.yaml has errors; see its lint item"])


def test_what_failed_last_can_be_run_alone(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec("a", mail="c@d"), b=small_spec("b"))
    pytester.runpytest("-p", "cacheprovider").assert_outcomes(passed=5, failed=1)
    pytester.runpytest("-p", "cacheprovider", "--lf").assert_outcomes(failed=1)


def test_other_files_are_specs_where_the_ini_option_says_so(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nmigrate_files = specs/*.yaml *.spec\n")
    write(pytester, a=small_spec("a"))
    (pytester.path / "specs").mkdir()
    for name in ("specs/b.yaml", "c.spec", "d.yaml"):
        (pytester.path / name).write_text(small_spec(name[-6]))
    result = pytester.runpytest("--collect-only", "-q")
    found = {line.partition("::")[0] for line in result.outlines if "::" in line}
    assert found == {"specs/b.yaml", "c.spec"}


def test_a_suite_with_other_yaml_in_specs_is_as_it_was(pytester: pytest.Pytester) -> None:
    (pytester.path / "specs").mkdir()
    (pytester.path / "specs" / "openapi.yaml").write_text("openapi: 3.1.0\n")
    pytester.makepyfile(
        test_python="""
        import sys

        def test_it():
            ours = {name for name in sys.modules if name.startswith("retable.")}
            assert ours <= {"retable.runner", "retable.runner.pytest_plugin"}
            assert not {"yaml", "boto3", "duckdb", "rich"} & set(sys.modules)
        """
    )
    arguments = ("--strict-markers", "-W", "error", "-v", "-p", "no:hypothesispytest")
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*migrate*")


def test_a_dry_run_is_an_item_on_request(pytester: pytest.Pytester) -> None:
    lines = [b'{"email":{"S":"A@B"},"age":{"N":"18"}}', b'{"email":{"S":"C@D"},"age":{"N":"3"}}']
    arn = TABLE_ARN.replace("orders", "people")
    made = make_export(pytester.path / "export", lines, table_arn=arn)
    good = small_spec().replace("export/}", f"export/, id: {made.id}}}")
    bad = small_spec("bad").replace(
        "location: export/", "location: nowhere/, id: 01790000000000-0a1b2c3d"
    )
    write(pytester, a=good, b=bad)
    result = pytester.runpytest("--migrate-dry-run", "-k", "dry-run", "-rA")
    result.assert_outcomes(passed=1, failed=1, deselected=6)
    result.stdout.fnmatch_lines(["*PASSED dry-run*1 of 2 items would be loaded*"])
    result.stdout.fnmatch_lines(["b.migrate.yaml: dry-run could not be run"])
    assert len(list((pytester.path / ".migrate").glob("*/report.json"))) == 1


def test_a_verification_is_an_item_on_request(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec(), b=BROKEN)
    result = pytester.runpytest("--migrate-verify")
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "a.migrate.yaml: verify could not be run",
            "  no finished run of people in .migrate, and source.export.id names no export",
        ]
    )


def test_the_line_of_a_row_test_is_reported(pytester: pytest.Pytester) -> None:
    write(pytester, a=small_spec())
    items, _ = pytester.inline_genitems()
    assert [item.reportinfo()[1:] for item in items] == [
        (0, "lint"),
        (11, "test[lowers the mail]"),
        (14, "test[drops children]"),
    ]
