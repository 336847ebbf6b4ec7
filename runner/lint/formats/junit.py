"""Findings as JUnit XML: a suite per file, a failing case per finding, else one passing case."""

from xml.etree import ElementTree as ET

from retable.runner.lint.result import LintResult
from retable.runner.lint.spec_findings import LoadedSpec
from retable.runner.text.code_frame import full_frame, masked
from retable.runner.text.escape import terminal_safe
from retable.schema.problem import Problem


def render(result: LintResult, *, fail_on: str) -> str:
    """Return the document; a warning is a failure only if ``fail_on`` says so."""
    root = ET.Element("testsuites", name="migrate lint")
    for loaded in result.specs:
        _suite(root, loaded, fail_on)
    ET.indent(root)
    return ET.tostring(root, "unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, loaded: LoadedSpec, fail_on: str) -> None:
    failing = [p for p in loaded.problems if p.severity == "error" or fail_on == "warning"]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=terminal_safe(loaded.file),
        tests=str(max(1, len(loaded.problems))),
        failures=str(len(failing)),
        errors="0",
    )
    if not loaded.problems:
        _case(suite, loaded.file, "lint", 1)
    for problem in loaded.problems:
        _finding(suite, loaded, problem, fails=problem in failing)


def _finding(suite: ET.Element, loaded: LoadedSpec, problem: Problem, *, fails: bool) -> None:
    span = problem.span
    name = f"{problem.code} {problem.name} {span.line}:{span.column}"
    case = _case(suite, loaded.file, name, span.line)
    text = full_frame(problem, loaded.text).plain
    if fails:
        message = terminal_safe(masked(problem.message))
        failure = ET.SubElement(case, "failure", message=message, type=problem.name)
        failure.text = text
    else:
        ET.SubElement(case, "system-out").text = text


def _case(suite: ET.Element, file: str, name: str, line: int) -> ET.Element:
    shown = terminal_safe(file)
    return ET.SubElement(
        suite, "testcase", classname=shown, name=name, file=shown, line=str(line), time="0"
    )
