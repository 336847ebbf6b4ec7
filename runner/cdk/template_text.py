"""Reads the text of a deployed template: JSON, or the YAML that CDK's command line makes of it.

YAML's tags become CloudFormation's functions; a date stays text. Nothing is constructed.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from retable.runner.cdk.json_file import parse_json
from retable.runner.failure import Refused
from retable.schema.compose import MAX_DEPTH, PLAIN, QUOTED, ComposeError, Node, compose
from retable.schema.scalars import AmbiguousScalarError, resolve_plain

MAX_VALUES = 500_000
"""More than a megabyte of text, which is what CloudFormation takes, can hold without aliases."""
TEXT_TAG = "tag:yaml.org,2002:str"
SHORT = {"!Ref": "Ref", "!Condition": "Condition"}
"""The tags whose functions have no ``Fn::`` before their names."""


def read_template(body: Any, name: str) -> dict[str, Any]:
    """Return the template of the stack ``name``, its numbers exact.

    ``body`` is what boto3 gives: an object where the template is JSON, otherwise its text.

    Raises:
        Refused: it is neither JSON nor YAML, or is too deep or too large.
    """
    what = f"the template of the stack {name}"
    if not isinstance(body, str):
        # Through text once more: numbers become exact, and the limits hold here as well.
        return parse_json(json.dumps(body), what)
    if body.lstrip().startswith("{"):
        return parse_json(body, what)
    try:
        root = compose(body)
        found = _Reader().value(root, 0) if root is not None else None
    except ComposeError as error:
        message = f"{what} cannot be read: {error}"
        raise Refused(message, "look at it in the console") from error
    if not isinstance(found, dict):
        message = f"{what} holds no object"
        raise Refused(message, "look at it in the console")
    return found


class _Reader:
    """Turns nodes into values, and only so many of them: aliases may stand for each other."""

    def __init__(self) -> None:
        self._left = MAX_VALUES

    def value(self, node: Node, depth: int) -> Any:
        """Return what a node says."""
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            message = "a deployed template has too many values, or too many levels"
            raise Refused(message, "look at it in the console")
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
    """Return a key as the text it is in JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _plain(node: Node) -> str | int | Decimal | bool | None:
    """Return what a scalar says; with a tag of CloudFormation's it is text."""
    if node.tag != PLAIN:
        return node.text
    try:
        return resolve_plain(node.text)
    except AmbiguousScalarError:
        # CDK quotes all text that some YAML could take for something else.
        return node.text
    except ValueError:
        return _number(node.text)


def _number(text: str) -> Decimal | str:
    """Return a number that DynamoDB could not hold, and CloudFormation may well."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return text
