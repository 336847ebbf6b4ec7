"""Makes text from specs and data safe to print: escapes what could control a terminal.

Escaped are control characters (ANSI sequences start with one), line breaks, what reorders or hides
text (bidirectional overrides, zero-width characters, tags) and lone surrogates, which no stream can
encode. It does not guard rich's markup; renderers build ``Text``, which has none.
"""

import unicodedata

from rich.cells import cell_len, set_cell_size

ELLIPSIS = "…"
KEY_CELLS = 80
"""How many cells of a key's value are shown; DynamoDB's keys may be 2,048 bytes long."""
UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
"""Control, format (bidi, zero-width, tags), unassigned, private, surrogate, line and paragraph
separator: Unicode's general categories without a glyph that every terminal shows in its place."""


def terminal_safe(text: str) -> str:
    r"""Return ``text`` with every unsafe character as ``\x1b``, ``\u202e`` or ``\U000e0041``.

    A tab and a line break are unsafe too: the result is always one line.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(safe_character, text))


def safe_character(character: str) -> str:
    """Return one character, or its escape if it is unsafe."""
    if unicodedata.category(character) not in UNSAFE_CATEGORIES:
        return character
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
    return named.get(character) or _escape(ord(character))


def shortened(text: str, cells: int = KEY_CELLS) -> str:
    """Return ``text`` made safe and at most ``cells`` wide; a cut is marked by an ellipsis."""
    # Only the beginning can be shown, so the rest of a huge value is never processed.
    shown = terminal_safe(text[: cells + 1])
    if cell_len(shown) <= cells:
        return shown
    return set_cell_size(shown, cells - 1).rstrip() + ELLIPSIS


def _escape(code: int) -> str:
    if code <= 0xFF:  # noqa: PLR2004 -- what two hexadecimal digits hold
        return f"\\x{code:02x}"
    if code <= 0xFFFF:  # noqa: PLR2004 -- what four hexadecimal digits hold
        return f"\\u{code:04x}"
    return f"\\U{code:08x}"
