"""The Markdown of a comment, from the JSON of other commands. It makes no calls."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retable.runner.failure import Refused
from retable.runner.text.escape import shortened

MAX_BYTES = 60_000
"""Under the 65,536 characters that GitHub accepts, with room for escapes."""
MAX_FILE_BYTES = 50_000_000
MAX_ROWS = 50
MAX_STEPS = 60
CELL = 160
_ESCAPES = {ord(sign): f"&#{ord(sign)};" for sign in "\\`*_[]#|~<>&@!"}
_COUNTS = ("read", "kept", "dropped", "rejected", "loaded", "superseded", "quarantined")
Document = Mapping[str, Any]


def comment_body(paths: Sequence[Path], marker: str) -> str:
    """Return one comment for everything in ``paths``, starting with the marker that identifies it.

    Raises:
        Refused: a file cannot be read, or is not a report that a comment can show.
    """
    sections = ["\n".join(_section(path, _read(path))) for path in paths]
    text = "\n\n".join((marker_line(marker), *sections)) + "\n"
    raw = text.encode()
    if len(raw) <= MAX_BYTES:
        return text
    kept = raw[:MAX_BYTES].decode(errors="ignore").rpartition("\n")[0]
    return (
        f"{kept}\n\nTruncated here: {MAX_BYTES:,} of {len(raw):,} bytes; the rest is in the log.\n"
    )


def marker_line(marker: str) -> str:
    """Return the first line of a comment, which readers do not see."""
    return f"<!-- migrate: {''.join(one for one in marker if one.isalnum() or one in '._/')} -->"


def _read(path: Path) -> Document:
    try:
        with path.open("rb") as stream:
            document = json.loads(stream.read(MAX_FILE_BYTES))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise Refused(message) from error
    except (ValueError, RecursionError) as error:
        message = f"{path} is not JSON"
        raise Refused(message, "pass a file written by --format json, --out or a run") from error
    if isinstance(document, dict) and document.get("format_version") == 1:
        return document
    message = f"{path} is not a report of format version 1"
    raise Refused(message, "pass a file written by --format json, --out or a run")


def _section(path: Path, document: Document) -> Iterator[str]:
    try:
        if "problems" in document:
            yield from _findings(document)
        elif "changes" in document:
            yield from _changes(document)
        elif "fingerprint" in document:
            yield from _plan(document)
        else:
            yield from _report(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"{path} lacks parts of a report"
        raise Refused(message, "pass a file written by --format json, --out or a run") from error


def _findings(document: Document) -> Iterator[str]:
    problems = sorted(document["problems"], key=lambda one: one["severity"] != "error")
    sign = "❌" if document["errors"] else "✅"
    counts = _counted((len(document["files"]), "spec"), (document["errors"], "error"))
    yield f"### {sign} Findings: {counts}, {_counted((document['warnings'], 'warning'))}"
    if problems:
        rows = (
            (one["severity"], _place(one), f"{one['code']} {one['name']}", _text(one["message"]))
            for one in problems
        )
        yield from _table(("", "place", "rule", "finding"), list(rows))


def _changes(document: Document) -> Iterator[str]:
    changes = document["changes"]
    yield f"### What the spec changes: {_counted((len(changes), 'change'))}"
    rows = [
        (one["sign"], _text(f"{one['thing']} {one['detail']}"), one["weight"]) for one in changes
    ]
    if rows:
        yield from _table(("", "change", "weight"), rows)


def _change(change: Document) -> str:
    return _text(f"{change['thing']} {change['detail']}")


def _plan(document: Document) -> Iterator[str]:
    sign = "📋" if document["applyable"] else "⚠️"
    yield f"### {sign} Plan {str(document['fingerprint'])[:8]} for {_text(document['spec_name'])}"
    yield ""
    yield f"{_text(document['source'])} → {_text(document['target'])}, {document['strategy']}"
    items, exact = document["items"], document["items_are_exact"]
    if items is not None:
        yield f", {'' if exact else 'about '}{items:,} items"
    rows = [(str(n), _text(one["kind"])) for n, one in enumerate(document["steps"][:MAX_STEPS], 1)]
    if rows:
        yield from _table(("", "step"), rows)
    for note in (*document["notes"], *document["unsupported"]):
        yield f"- ⚠️ {_text(note)}"


def _report(document: Document) -> Iterator[str]:
    # The text of a failure may name an item's key, so it stays in the log.
    verdict = document["verdict"]
    sign = {"passed": "✅", "failed": "❌"}.get(verdict, "⚠️")
    name = _text(document["spec_name"])
    yield f"### {sign} {_text(document['command'])} of {name}: {_text(verdict)}"
    counts = [
        (name, f"{document['counts'][name]:,}")
        for name in _COUNTS
        if document["counts"].get(name) is not None
    ]
    counts += [(kind, f"{n:,}") for kind, n in document["differences"].items() if n]
    if counts:
        yield from _table(("items", ""), counts)
    reasons = document["rejects_by_reason"]
    if reasons:
        yield from _table(("rejected", ""), [(_text(one), f"{n:,}") for one, n in reasons.items()])
    checks = [(_text(one["name"]), _text(one["outcome"])) for one in document["checks"]]
    if checks:
        yield from _table(("check", ""), checks)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield ""
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows[:MAX_ROWS]:
        yield f"| {' | '.join(row)} |"
    if len(rows) > MAX_ROWS:
        yield ""
        yield f"{MAX_ROWS} of {len(rows):,}; all are in the log."


def _place(problem: Document) -> str:
    return _text(f"{problem['file']}:{problem['line']}:{problem['column']}")


def _counted(*counts: tuple[int, str]) -> str:
    return ", ".join(f"{count:,} {noun}{'' if count == 1 else 's'}" for count, noun in counts)


def _text(text: str) -> str:
    """Return text with Markdown, HTML and mentions escaped."""
    return shortened(str(text), CELL).translate(_ESCAPES)
