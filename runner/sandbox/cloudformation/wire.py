"""The query protocol: a request's form becomes a tree, an answer's tree becomes XML.

It is the same for every operation: ``member`` marks a list, ``entry`` a map.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
REQUEST_ID = "00000000-0000-0000-0000-000000000000"
MAX_DEPTH = 20
"""Dots in a member's name; CloudFormation's own requests have about eight."""
NOT_IN_XML = {code: "\N{REPLACEMENT CHARACTER}" for code in range(32) if chr(code) not in "\t\n\r"}


class StackError(Exception):
    """An error answer: the ``code`` that a client sees, its message, its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep the parts of the answer."""
        self.code = code
        self.message = message
        self.status = status
        super().__init__(f"{code}: {message}")

    def body(self) -> bytes:
        """Return the answer's body."""
        return (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type>'
            f"<Code>{_text(self.code)}</Code><Message>{_text(self.message)}</Message></Error>"
            f"<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
        ).encode()


def invalid(message: str) -> StackError:
    """Return a ValidationError, CloudFormation's code for nearly every error."""
    return StackError("ValidationError", message)


def is_cloudformation(environ: Mapping[str, Any]) -> bool:
    """Return whether a request is for CloudFormation, by the service it was signed for."""
    return "/cloudformation/aws4_request" in str(environ.get("HTTP_AUTHORIZATION", ""))


def parse_form(raw: bytes) -> dict[str, Any]:
    """Return the members of a request; lists and maps are Python's.

    Raises:
        StackError: it is not a form, or is nested too deep.
    """
    tree: dict[str, Any] = {}
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True)
    except (UnicodeDecodeError, ValueError) as error:
        raise invalid(str(error)) from error
    for name, value in pairs:
        *path, last = name.split(".")
        if len(path) > MAX_DEPTH:
            message = f"the member {name[:80]} is nested too deep"
            raise invalid(message)
        inner = tree
        for part in path:
            found = inner.setdefault(part, {})
            if not isinstance(found, dict):
                # ``Tags=`` beside ``Tags.member.1``: the members override the empty list.
                found = inner[part] = {}
            inner = found
        inner.setdefault(last, value)
    return {name: _collapsed(value) for name, value in tree.items()}


def render(action: str, result: Mapping[str, Any] | None) -> bytes:
    """Return the answer to ``action``; an answer of ``None`` has no result element."""
    inner = "" if result is None else _element(f"{action}Result", dict(result))
    return (
        f'<{action}Response xmlns="{NAMESPACE}">{inner}'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        f"</{action}Response>"
    ).encode()


def _collapsed(value: Any) -> Any:
    """Return a tree with plain lists and maps."""
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"} and isinstance(value["member"], dict):
        return [_collapsed(one) for one in _in_order(value["member"])]
    if set(value) == {"entry"} and isinstance(value["entry"], dict):
        entries = [_collapsed(one) for one in _in_order(value["entry"])]
        return {entry["key"]: entry["value"] for entry in entries}
    return {name: _collapsed(inner) for name, inner in value.items()}


def _in_order(numbered: Mapping[str, Any]) -> Iterable[Any]:
    """Return the values of ``{"1": …, "2": …}`` in the order of the numbers."""
    try:
        return [numbered[number] for number in sorted(numbered, key=int)]
    except ValueError as error:
        message = "a list's members must be numbered"
        raise invalid(message) from error


def _element(name: str, value: Any) -> str:
    """Return ``value`` as the element ``name``; ``None`` is omitted."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        inner = "".join(_element(key, one) for key, one in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        inner = "".join(_element("member", one) for one in value)
    else:
        inner = _scalar(value)
    return f"<{name}>{inner}</{name}>"


def _scalar(value: object) -> str:
    """Return a scalar's text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return _text(str(value))


def _text(text: str) -> str:
    """Return text without characters that XML cannot hold."""
    return escape(text.translate(NOT_IN_XML))
