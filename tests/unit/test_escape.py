"""What comes from data cannot steer the terminal."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from retable.runner.text.escape import shortened, terminal_safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Zoë 日本", "Zoë 日本"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("line\u2028break", r"line\u2028break"),
        ("tag\U000e0041", r"tag\U000e0041"),
        ("lone\ud800", r"lone\ud800"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_what_could_steer_a_terminal_is_shown_instead(text: str, shown: str) -> None:
    assert terminal_safe(text) == shown


@given(st.text(st.characters()))
def test_safe_text_is_one_line_that_any_stream_can_encode(text: str) -> None:
    safe = terminal_safe(text)
    safe.encode("utf-8")
    assert len(safe.splitlines()) <= 1
    categories = {unicodedata.category(char) for char in safe}
    assert not [name for name in categories if name.startswith("C") or name in {"Zl", "Zp"}]


@given(st.text(st.characters()), st.integers(min_value=1, max_value=90))
def test_shortened_text_is_never_wider_than_asked(text: str, cells: int) -> None:
    short = shortened(text, cells)
    assert cell_len(short) <= cells
    assert short == terminal_safe(short)


def test_a_cut_is_marked() -> None:
    assert shortened("x" * 80) == "x" * 80
    assert shortened("x" * 81) == "x" * 79 + "…"


def test_a_cut_never_splits_a_wide_character() -> None:
    assert shortened("日本語", 4) == "日…"


def test_the_rest_of_a_huge_value_is_never_looked_at() -> None:
    assert len(shortened("x" * 50_000_000)) == 80
