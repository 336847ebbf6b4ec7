"""Code frames show the place and cannot be led astray by what stands there."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from retable.runner.text.code_frame import concise_frame, full_frame, masked, render_problems
from retable.runner.text.terminal import console_on, print_line
from retable.schema.problem import Label, Problem, Severity, Span

TEXT = "spec: 1\ntransform:\n  fields:\n    total: amount * `100`\n"


def problem(
    span: Span,
    message: str = "JMESPath has no `*` operator",
    *,
    hint: str | None = None,
    severity: Severity = "error",
) -> Problem:
    return Problem(
        file="specs/orders.migrate.yaml",
        span=span,
        code="MIG203",
        name="jmespath-no-arithmetic",
        message=message,
        hint=hint,
        severity=severity,
    )


def frame_of(line: str, start: int, end: int) -> tuple[str, str]:
    """Return the shown line and the caret line, both after the gutter."""
    lines = full_frame(problem(Span(1, start, 1, end)), line).plain.splitlines()
    return lines[3].removeprefix("1 | "), lines[4].removeprefix("  | ")


def test_a_full_frame_shows_what_where_and_what_would_help() -> None:
    found = problem(Span(4, 19, 4, 20), hint="use multiply(amount, `100`)")
    assert full_frame(found, TEXT).plain == (
        "error[MIG203] jmespath-no-arithmetic: JMESPath has no `*` operator\n"
        " --> specs/orders.migrate.yaml:4:19\n"
        "  |\n"
        "4 |     total: amount * `100`\n"
        "  |                   ^\n"
        "  |\n"
        "  = help: use multiply(amount, `100`)\n"
        "  = docs: migrate explain MIG203"
    )


def test_other_places_are_underlined_in_the_order_of_the_text() -> None:
    text = "".join(f"key{line}: value{line}\n" for line in range(1, 13))
    found = replace(
        problem(Span(11, 1, 11, 6)),
        label="again here",
        others=(Label(Span(2, 1, 2, 5), "first here"), Label(Span(10, 7, 10, 14), "and here")),
    )
    assert full_frame(found, text).plain.splitlines()[2:-1] == [
        "   |",
        " 2 | key2: value2",
        "   | ---- first here",
        "...",
        "10 | key10: value10",
        "   |       ------- and here",
        "11 | key11: value11",
        "   | ^^^^^ again here",
        "   |",
    ]


def test_two_places_of_one_line_show_it_once() -> None:
    found = replace(problem(Span(1, 4, 1, 5)), others=(Label(Span(1, 1, 1, 2), "see"),))
    lines = full_frame(found, "a: b").plain.splitlines()
    assert lines[3:6] == ["1 | a: b", "  | - see", "  |    ^"]


def test_the_gutter_is_as_wide_as_the_line_number() -> None:
    lines = full_frame(problem(Span(120, 1, 120, 3)), "\n" * 119 + "ab: c").plain.splitlines()
    assert lines[1:5] == [
        "   --> specs/orders.migrate.yaml:120:1",
        "    |",
        "120 | ab: c",
        "    | ^^",
    ]


def test_a_concise_frame_is_one_line() -> None:
    found = problem(Span(4, 19, 4, 20), hint="use multiply()", severity="warning")
    assert concise_frame(found).plain == (
        "specs/orders.migrate.yaml:4:19: warning MIG203 jmespath-no-arithmetic: "
        "JMESPath has no `*` operator (use multiply())"
    )


def test_several_problems_are_set_off_by_an_empty_line() -> None:
    found = [problem(Span(1, 1, 1, 2)), problem(Span(4, 5, 4, 6))]
    text = render_problems(found, TEXT)
    assert text.count("error[MIG203]") == 2
    assert "\n\nerror[" in text
    assert text.endswith("= docs: migrate explain MIG203\n")


def test_a_file_that_could_not_be_read_gives_no_line() -> None:
    found = problem(Span(1, 1, 1, 1), "there is no such file", hint="look again")
    assert full_frame(found, "").plain.splitlines() == [
        "error[MIG203] jmespath-no-arithmetic: there is no such file",
        " --> specs/orders.migrate.yaml:1:1",
        "  = help: look again",
        "  = docs: migrate explain MIG203",
    ]


@pytest.mark.parametrize(
    ("line", "start", "end", "shown", "carets"),
    [
        ("\tab: cd", 2, 4, "    ab: cd", "    ^^"),
        ("日本: cd", 5, 7, "日本: cd", "      ^^"),
        ("日本: cd", 1, 3, "日本: cd", "^^^^"),
        ("e\u0301a: cd", 3, 4, "e\u0301a: cd", " ^"),
        ("a\u202eb: cd", 3, 4, r"a\u202eb: cd", "       ^"),
        ("ab", 3, 3, "ab", "  ^"),
        ("ab", 9, 12, "ab", "  ^"),
        ("\ufeffab: cd", 1, 3, "ab: cd", "^^"),
    ],
)
def test_the_caret_stands_under_its_character(
    line: str, start: int, end: int, shown: str, carets: str
) -> None:
    assert frame_of(line, start, end) == (shown, carets)


def test_an_empty_line_leaves_no_blank_at_its_end() -> None:
    lines = full_frame(problem(Span(2, 1, 2, 1)), "a: {\n").plain.splitlines()
    assert lines[3:5] == ["2 |", "  | ^"]


def test_a_place_over_several_lines_is_underlined_to_the_end_of_its_first() -> None:
    lines = full_frame(problem(Span(1, 3, 4, 1)), "a: |  \n  b\n  c\n").plain.splitlines()
    assert lines[3:5] == ["1 | a: |  ", "  |   ^^"]


@pytest.mark.parametrize("start", [1, 50, 5_000, 9_999])
def test_a_long_line_is_cut_around_the_place(start: int) -> None:
    line = "".join(chr(ord("a") + index % 26) for index in range(10_000))
    shown, carets = frame_of(line, start, start + 3)
    assert cell_len(shown) <= 102
    place = carets.index("^")
    assert shown[place] == line[start - 1]
    assert set(carets.strip()) == {"^"}


def test_carets_do_not_go_on_past_a_cut() -> None:
    shown, carets = frame_of("x" * 500, 1, 400)
    assert len(carets) <= cell_len(shown)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028"])
def test_lines_are_counted_as_yaml_counts_them(end: str) -> None:
    text = f"one: 1{end}two: \x0c2{end}three: 3"
    lines = full_frame(problem(Span(3, 1, 3, 6)), text).plain.splitlines()
    assert lines[3:5] == ["3 | three: 3", "  | ^^^^^"]


@given(
    st.text(st.characters(), max_size=200),
    st.integers(1, 300),
    st.integers(0, 300),
    st.integers(1, 5),
)
def test_any_text_and_any_place_give_a_frame(
    text: str, column: int, length: int, line: int
) -> None:
    span = Span(line, column, line, column + length)
    plain = full_frame(problem(span, message=text), text).plain
    plain.encode("utf-8")
    assert "\x1b" not in plain
    assert len(plain.splitlines()) in (3, 7)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("key: AKIAIOSFODNN7EXAMPLE", "key: ********************"),
        ("aws_secret_access_key: wJalrX/Ut", "aws_secret_access_key: *********"),
        ("AWS_SESSION_TOKEN=abc", "AWS_SESSION_TOKEN=***"),
        ("http://me:pass@host/", "http://**:****@host/"),
        ("token: customer.token", "token: customer.token"),
        ("password: join('', [a, b])", "password: join('', [a, b])"),
    ],
)
def test_what_looks_like_an_aws_credential_is_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def test_a_credential_is_masked_in_the_message_and_in_the_line() -> None:
    secret = "AKIAIOSFODNN7EXAMPLE"  # noqa: S105 -- the one from AWS's own documents
    found = problem(Span(1, 6, 1, 26), f"unknown key {secret!r}", hint=f"not {secret}")
    assert secret not in full_frame(found, f"key: {secret}").plain
    assert secret not in concise_frame(found).plain


def test_a_terminal_gets_colour_and_no_color_is_honoured() -> None:
    text = full_frame(problem(Span(4, 19, 4, 20)), TEXT)
    for environ, coloured in (
        ({"FORCE_COLOR": "1", "TERM": "xterm"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({}, False),
    ):
        stream = io.StringIO()
        print_line(console_on(stream, environ), text)
        assert ("\x1b[" in stream.getvalue() and "31m" in stream.getvalue()) is coloured
