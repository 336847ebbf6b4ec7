"""The report as JUnit XML: a test case for each check and each step, for CI systems to show.

It names no items: many people may read what CI shows.
"""

from xml.etree import ElementTree as ET

from retable.runner.report.model import Check, Report, StepReport
from retable.runner.report.words import count_rows, summary
from retable.runner.text.escape import shortened, terminal_safe
from retable.runner.text.figures import scalar

MAX_TEXT = 10_000
"""How many cells of a text are shown; XML attributes should stay readable."""


def render_junit(report: Report) -> bytes:
    """Return ``report`` as JUnit XML in UTF-8."""
    suites = [_steps(report)]
    if report.checks:
        suites.append(_checks(report))
    root = ET.Element("testsuites", {"name": f"migrate {report.command}"})
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in suites)))
    root.set("time", f"{sum(step.seconds or 0 for step in report.steps):.3f}")
    root.extend(suites)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _steps(report: Report) -> ET.Element:
    suite = ET.Element("testsuite", {"name": "steps"})
    names = ET.SubElement(suite, "properties")
    properties = {"verdict": report.verdict, "run_id": report.run_id, "summary": summary(report)}
    properties |= {row.name: str(row.count) for row in count_rows(report) if row.count is not None}
    if report.sample is not None:
        properties["sample"] = f"{report.sample.items} of {report.sample.of}"
    for name, value in properties.items():
        ET.SubElement(names, "property", {"name": name, "value": _safe(value)})
    for step in report.steps:
        _step(suite, step, report)
    return _counted(suite)


def _step(suite: ET.Element, step: StepReport, report: Report) -> None:
    case = _case(suite, step.title, report, None)
    case.set("time", f"{step.seconds or 0:.3f}")
    message = {"message": _safe(report.failure or step.outcome)}
    if step.outcome == "failed":
        ET.SubElement(case, "failure", message).text = _lines(report.hint or "")
    elif step.outcome == "stopped":
        ET.SubElement(case, "error", message).text = _lines(report.hint or "")
    elif step.outcome != "done":
        ET.SubElement(case, "skipped", {"message": step.outcome})


def _checks(report: Report) -> ET.Element:
    suite = ET.Element("testsuite", {"name": "checks"})
    for check in report.checks:
        case = _case(suite, check.name, report, check.line)
        case.set("time", "0")
        if check.outcome == "failed":
            ET.SubElement(case, "failure", {"message": _message(check)}).text = _lines(
                check.sql or ""
            )
        elif check.outcome == "unevaluated":
            ET.SubElement(case, "error", {"message": _message(check)}).text = _lines(
                check.sql or ""
            )
    return _counted(suite)


def _case(suite: ET.Element, name: str, report: Report, line: int | None) -> ET.Element:
    case = ET.SubElement(suite, "testcase", {"classname": _safe(report.spec_name)})
    case.set("name", _safe(name))
    case.set("file", _safe(report.spec_file))
    case.set("line", str(line or 1))
    return case


def _counted(suite: ET.Element) -> ET.Element:
    """Set the number of cases by outcome."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _message(check: Check) -> str:
    if check.outcome == "unevaluated":
        return _safe(check.message or "could not be evaluated")
    values = f"expected {scalar(check.expected)}, found {scalar(check.actual)}"
    return _safe(f"{values}: {check.message}" if check.message else values)


def _safe(text: str) -> str:
    """Return ``text`` on one line without the characters that XML does not allow."""
    return shortened(text, MAX_TEXT)


def _lines(text: str) -> str:
    """Return ``text`` with its line breaks, each line made safe."""
    return "\n".join(terminal_safe(line) for line in text[:MAX_TEXT].splitlines())
