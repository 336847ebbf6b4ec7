"""Corrects findings by editing the text of a spec; everything else, comments too, is unchanged.

A fix never changes what a spec is meant to say: a finding that needs a decision has no fix.
"""

import difflib
import os
import re
import shutil
import tempfile
from codecs import BOM_UTF8 as BOM
from collections.abc import Iterable
from pathlib import Path

from retable.runner.disk import replace_durably
from retable.runner.failure import Refused
from retable.runner.lint.spec_findings import LoadedSpec, check, load
from retable.runner.text.escape import terminal_safe
from retable.schema.problem import Edit

_LINE = re.compile("[^\r\n\x85\u2028\u2029]*(?:\r\n|[\r\n\x85\u2028\u2029]|$)")
_NO_NEWLINE = "\n\\ No newline at end of file\n"
MAX_ROUNDS = 20
"""One fix may uncover the next; this many would be a bug."""


def fixed_text(loaded: LoadedSpec) -> str:
    """Return the text of ``loaded`` with every fix applied, including those uncovered by others."""
    text = loaded.text
    for _ in range(MAX_ROUNDS):
        edits = [edit for problem in loaded.problems for edit in problem.fix]
        if not edits:
            break
        text = apply_edits(text, edits)
        loaded = check(load(Path(loaded.file), raw=text.encode()))
    return text


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """Return ``text`` with ``edits`` applied; of two that overlap, the first in the text."""
    starts = [match.start() for match in _LINE.finditer(text)]
    made, end = [], 0
    for edit in sorted(set(edits)):
        span = edit.span
        first = _offset(starts, span.line, span.column, len(text))
        last = _offset(starts, span.end_line, span.end_column, len(text))
        if first >= end:
            made += [text[end:first], edit.text]
            end = last
    return "".join((*made, text[end:]))


def difference(file: str, before: str, after: str) -> str:
    """Return a unified diff that ``patch`` accepts."""
    lines = (before.splitlines(keepends=True), after.splitlines(keepends=True))
    diff = difflib.unified_diff(*lines, fromfile=terminal_safe(file), tofile=terminal_safe(file))
    return "".join(line if line.endswith("\n") else f"{line}{_NO_NEWLINE}" for line in diff)


def write_text(path: Path, text: str) -> None:
    """Replace the content of the file at ``path`` with ``text``, atomically.

    Raises:
        Refused: it is a symbolic link, which may lead anywhere.
    """
    if path.is_symlink():
        message = f"{path} is a symbolic link, which --fix does not follow"
        raise Refused(message, "pass the file that it points to")
    mark = BOM if path.read_bytes().startswith(BOM) else b""
    # An unpredictable name: a link of a known name might already exist.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(mark + text.encode())
        shutil.copymode(path, temporary)
        replace_durably(Path(temporary), path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _offset(starts: list[int], line: int, column: int, length: int) -> int:
    return min(starts[line - 1] + column - 1, length) if line <= len(starts) else length
