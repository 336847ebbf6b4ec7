"""Reads one spec file. Files that a spec refers to are not opened here."""

from pathlib import Path

from retable.schema.problem import Span, SpecError
from retable.schema.rules import Rule
from retable.schema.spec import Spec

MAX_BYTES = 1 << 20
"""1 MiB, about ten thousand row tests."""
_START = Span(1, 1, 1, 1)


def load_spec(path: str | Path) -> Spec:
    """Load the spec file at ``path``. No other file is read.

    Raises:
        SpecError: the file cannot be read, or is not a valid spec; ``problems`` holds every
            finding.
    """
    return read_spec(path, _read(str(path)))


def read_spec(path: str | Path, raw: bytes) -> Spec:
    """Parse ``raw``, the content of the spec file at ``path``, which is not opened.

    Raises:
        SpecError: ``raw`` is not a valid spec.
    """
    # Imported here, so code that needs only the types of a spec does not wait for PyYAML.
    from retable.schema.document import read_document  # noqa: PLC0415
    from retable.schema.findings import TooManyFindingsError  # noqa: PLC0415
    from retable.schema.parse import parse  # noqa: PLC0415
    from retable.schema.validate import validate  # noqa: PLC0415

    file = str(path)
    text = _decode(file, raw)
    try:
        document = read_document(file, text)
        validate(document)
        return parse(document, Path(path).parent, raw)
    except TooManyFindingsError as error:
        raise SpecError(tuple(dict.fromkeys(error.problems)), text) from error


def read_text(path: str | Path) -> str:
    """Return the text of the spec file at ``path`` without parsing it.

    Raises:
        SpecError: the file cannot be read, or is not text.
    """
    file = str(path)
    return _decode(file, _read(file))


def _read(file: str) -> bytes:
    try:
        with Path(file).open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise _unreadable(file, "no such file") from error
    except IsADirectoryError as error:
        hint = "pass one spec file, such as orders.migrate.yaml"
        raise _unreadable(file, "is a folder, not a spec", hint) from error
    except PermissionError as error:
        raise _unreadable(file, "cannot be read: permission denied") from error
    except (OSError, ValueError) as error:
        # A ValueError is a NUL inside the name.
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(file, f"cannot be read: {reason}") from error
    if len(raw) > MAX_BYTES:
        message = f"a spec is at most {MAX_BYTES:,} bytes"
        raise _refusal(file, Rule.FILE_TOO_LARGE, message, "keep data in a seed or an export")
    return raw


def _decode(file: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", "replace")
        lines = (before + "x").splitlines()
        line, column = len(lines), len(lines[-1])
        span = Span(line, column, line, column + 1)
        message = f"byte {raw[error.start]:#04x} at offset {error.start} is not UTF-8"
        raise _refusal(file, Rule.NOT_UTF_8, message, "save the file as UTF-8", span) from error


def _unreadable(file: str, message: str, hint: str | None = None) -> SpecError:
    return _refusal(file, Rule.UNREADABLE_FILE, message, hint)


def _refusal(
    file: str, rule: Rule, message: str, hint: str | None = None, span: Span = _START
) -> SpecError:
    return SpecError((rule.finding(file, span, message, hint=hint),))
