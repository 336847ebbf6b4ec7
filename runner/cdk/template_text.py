"""Reads the text of a deployed template: JSON, or the YAML that CDK's command line uploads.

YAML's tags become CloudFormation's functions; a date stays a string. No objects are constructed.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from retable.runner.cdk.json_file import parse_json
from retable.runner.failure import Refused
from retable.schema.compose import MAX_DEPTH, PLAIN, QUOTED, ComposeError, Node, compose
from retable.schema.scalars import AmbiguousScalarError, resolve_plain

MAX_VALUES = 500_000
"""More than a megabyte of text, CloudFormation's limit, can have without aliases."""
TEXT_TAG = "tag:yaml.org,2002:str"
SHORT = {"!Ref": "Ref", "!Condition": "Condition"}
"""The tags whose functions have no ``Fn::`` prefix."""


def read_template(body: Any, name: str) -> dict[str, Any]:
    """Return the template of the stack ``name``, its numbers exact.

    ``body`` is what boto3 returns: an object for a JSON template, otherwise its text.

    Raises:
        Refused: it is neither JSON nor YAML, or is too deep or too large.
    """
    what = f"the template of the stack {name}"
    if not isinstance(body, str):
        # Back to text and parsed again: numbers become exact, and the limits apply here as well.
        return parse_json(json.dumps(body), what)
    if body.lstrip().startswith("{"):
        return parse_json(body, what)
    try:
        root = compose(body)
        found = _Reader().value(root, 0) if root is not None else None
    except ComposeError as error:
        message = f"{what} cannot be read: {error}"
        raise Refused(message, "check it in the console") from error
    if not isinstance(found, dict):
        message = f"{what} is not an object"
        raise Refused(message, "check it in the console")
    return found


class _Reader:
    """Converts a bounded number of nodes into values: aliases may multiply each other."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def value(self, node: Node, depth: int) -> Any:
        """Return the value of a node."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            message = "a deployed template has too many values, or too many levels"
            raise Refused(message, "check it in the console")
        if node.target is not None:
            return self.value(node.target, depth + 1)
        tag = node.tag or ""
        found = self._untagged(node, depth)
        if not tag.startswith("!"):
            return found
        return {SHORT.get(tag, f"Fn::{tag[1:]}"): found}

    def _untagged(self, node: Node, depth: int) -> Any:
        if node.kind == "scalar":
            return node.text if node.tag in {QUOTED, TEXT_TAG} else _plain(node)
        values = [self.value(child, depth + 1) for child in node.children]
        if node.kind == "list":
            return values
        return dict(zip(map(_key, values[::2]), values[1::2], strict=True))


def _key(value: Any) -> str:
    """Return a key as the string it is in JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _plain(node: Node) -> str | int | Decimal | bool | None:
    """Return the value of a scalar; with a CloudFormation tag it is a string."""
    if node.tag != PLAIN:
        return node.text
    try:
        return resolve_plain(node.text)
    except AmbiguousScalarError:
        # CDK quotes all strings that some YAML version could read as another type.
        return node.text
    except ValueError:
        return _number(node.text)


def _number(text: str) -> Decimal | str:
    """Return a number that may exceed DynamoDB's range, but not CloudFormation's."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
