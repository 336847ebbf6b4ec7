"""Checks a document against the JSON Schema: one readable finding per mistake.

Editors use the schema too. Checks of two keys together, or of DynamoDB's own rules, are in
``parse``; so are the ``oneOf`` of a row test, which are in the schema only for editors.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from retable.schema.conforms import conforms
from retable.schema.document import Document
from retable.schema.problem import Edit
from retable.schema.rules import Rule
from retable.schema.spec import SpecPath
from retable.schema.wording import (
    any_near,
    choices,
    did_you_mean,
    dotted,
    is_near,
    kind,
    quoted,
    shown,
)

SCHEMA_FILE = Path(__file__).with_name("migration-spec.schema.json")
_KINDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_COUNTS = {
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "minProperties": "must have at least {} keys",
    "maxProperties": "must have at most {} keys",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
}
_NEVER_A_NUMBER = {"duration", "field"}
_PARSED = {"oneOf"}
"""Left to ``parse``, which words them better."""


class SchemaError(Protocol):
    """The parts of ``jsonschema.ValidationError`` that are used."""

    validator: Any
    validator_value: Any
    instance: Any
    schema: Any

    @property
    def absolute_path(self) -> Any:
        """The path to the value."""
        ...


def validate(document: Document) -> None:
    """Add a finding to ``document.findings`` for each violation of the JSON Schema."""
    findings = document.findings
    if conforms(document.value, _schema(), _schema()):
        return
    for error in _validator().iter_errors(document.value):
        path: SpecPath = tuple(error.absolute_path)
        if error.validator == "required":
            _missing(document, path, error)
        elif error.validator == "additionalProperties":
            _unknown(document, path, error)
        elif error.validator not in _PARSED and not findings.blamed(path):
            _report(document, path, error)


@cache
def _validator() -> Any:
    # Imported here: jsonschema takes longer to import than everything else a command needs.
    from jsonschema import Draft202012Validator  # noqa: PLC0415

    return Draft202012Validator(_schema())


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(SCHEMA_FILE.read_bytes())
    return schema


def _missing(document: Document, path: SpecPath, error: SchemaError) -> None:
    if document.findings.blamed(path) or path in document.findings.incomplete:
        return
    known = _known(error)
    unknown = [key for key in error.instance if key not in known]
    for name in error.validator_value:
        inner = (*path, name)
        if name in error.instance or document.findings.blamed(inner):
            continue
        if any_near(unknown, name):
            # The unknown key is already a finding, and its hint names this one.
            document.findings.mark(inner)
            continue
        description = known.get(name, {}).get("description", "").rstrip(".")
        hint = f"{name}: {description}" if description else None
        message = f"{dotted(path)} needs the key {name}"
        document.findings.add(Rule.MISSING_KEY, inner, message, hint=hint, at="key")


def _unknown(document: Document, path: SpecPath, error: SchemaError) -> None:
    known = _known(error)
    for name in error.instance:
        if name not in known:
            message = f"{dotted(path)} has no key {shown(name)}"
            hint = did_you_mean(name, known)
            inner = (*path, name)
            document.findings.add(Rule.UNKNOWN_KEY, inner, message, hint=hint, at="key")


def _known(error: SchemaError) -> Mapping[str, Any]:
    known: Mapping[str, Any] = error.schema.get("properties", {})
    return known


def _report(document: Document, path: SpecPath, error: SchemaError) -> None:
    """Add the finding for one value that its key does not accept."""
    add = document.findings.add
    thing = _thing(path, error)
    match error.validator:
        case "type":
            _wrong_type(document, path, error)
        case "enum" | "const" | "not":
            values = error.schema.get("enum", [error.schema.get("const")])
            expected = error.schema.get("x-expected") or choices(map(shown, values))
            message = f"{thing} must be {expected}; found {shown(error.instance)}"
            add(Rule.UNKNOWN_VALUE, path, message, hint=_nearest(error.instance, values))
        case "pattern":
            expected = error.schema["x-expected"]
            add(Rule.BAD_FORM, path, f"{thing} must be {expected}; found {shown(error.instance)}")
        case "minLength" if not error.instance:
            add(Rule.BAD_FORM, path, f"{thing} must not be empty")
        case "minLength" | "maxLength" as rule:
            found = len(error.instance)
            message = f"{thing} {_COUNTS[rule].format(error.validator_value)}; found {found}"
            add(Rule.BAD_FORM, path, message)
        case "uniqueItems":
            _repeated(document, path, error.instance)
        case "minProperties" | "maxProperties" if "x-expected" in error.schema:
            if path not in document.findings.incomplete:
                keys = choices(map(shown, error.instance), "and") if error.instance else "no key"
                message = f"{thing} must be {error.schema['x-expected']}; found {keys}"
                add(Rule.OUT_OF_RANGE, path, message, at="key")
        case "minimum" | "maximum" as rule:
            limit = f"{error.validator_value:,}"
            message = f"{thing} {_COUNTS[rule].format(limit)}; found {shown(error.instance)}"
            add(Rule.OUT_OF_RANGE, path, message)
        case rule:
            limit = _COUNTS[rule].format(error.validator_value)
            limit = limit.replace(" 1 entries", " one entry").replace(" 1 keys", " one key")
            message = f"{thing} {limit}; found {len(error.instance) or 'none'}"
            add(Rule.OUT_OF_RANGE, path, message)


def _wrong_type(document: Document, path: SpecPath, error: SchemaError) -> None:
    value, findings = error.instance, document.findings
    if _is_attribute_type(error) and document.source(path).lower() == "null":
        message = "the type NULL must be quoted, or YAML reads it as null"
        edit = Edit(document.spans[path], '"NULL"')
        findings.add(Rule.UNQUOTED_NULL, path, message, hint='write type: "NULL"', fix=(edit,))
        return
    kinds = [_KINDS[name] for name in _types(error)]
    # What a pattern requires of a string is no help if the value is not a string.
    expected = None if "pattern" in error.schema else error.schema.get("x-expected")
    expected = expected or choices(_words(error) or kinds)
    message = f"{_thing(path, error)} must be {expected}; found {kind(value)}"
    hint, fix = _requoted(document, path, error)
    findings.add(Rule.WRONG_TYPE, path, message, hint=hint, fix=fix)


def _requoted(
    document: Document, path: SpecPath, error: SchemaError
) -> tuple[str | None, tuple[Edit, ...]]:
    """Return the hint to add or remove quotes, if that corrects the value; and the edit."""
    value, source, span = error.instance, document.source(path), document.spans[path]
    fix: tuple[Edit, ...] = ()
    if isinstance(value, str):
        number = {"integer", "number"}.intersection(_types(error)) and value.isdecimal()
        if number and source[1:-1] == value and value[0] != "0":
            fix = (Edit(span, value),)
        return ("remove the quotes" if number else None), fix
    if "string" not in _types(error) or "enum" in error.schema or not source:
        return None, ()
    title = error.schema.get("title")
    if title == "expression":
        # It may be meant as a name or as a literal: only the author knows.
        return quoted(source), ()
    textual = type(value) in {int, Decimal} and title not in _NEVER_A_NUMBER
    return (quoted(source), (Edit(span, f'"{source}"'),)) if textual else (None, ())


def _types(error: SchemaError) -> list[str]:
    types: str | list[str] = error.validator_value
    return [types] if isinstance(types, str) else types


def _is_attribute_type(error: SchemaError) -> bool:
    return "NULL" in error.schema.get("enum", ())


def _words(error: SchemaError) -> list[str]:
    return [shown(value) for value in error.schema.get("enum", ())]


def _repeated(document: Document, path: SpecPath, values: list[Any]) -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            message = f"{dotted(path)} names {shown(value)} twice"
            fix = document.without_entry((*path, index))
            document.findings.add(Rule.REPEATED_ENTRY, (*path, index), message, fix=fix)


def _thing(path: SpecPath, error: SchemaError) -> str:
    """Return the value's name in a finding: ``key type`` if that says more than its path."""
    title: str = error.schema.get("title", "")
    named = error.validator in {"enum", "type"} and title.endswith(" type")
    return title if named else dotted(path)


def _nearest(value: Any, values: list[Any]) -> str | None:
    if not isinstance(value, str):
        return None
    words = [word for word in values if isinstance(word, str) and is_near(value, word)]
    return did_you_mean(value, words)
