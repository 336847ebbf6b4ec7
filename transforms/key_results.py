"""Keys an expression can never produce: its outermost function returns another type (MIG409)."""

from collections.abc import Iterator

from retable.schema.problem import Problem
from retable.schema.rules import Rule
from retable.schema.spec import Field, Indexes, KeyAttribute, Spec
from retable.schema.wording import shown
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.parse_expression import parse_expression
from retable.transforms.stretches import Stretches

_TYPES = {"string": "S", "number": "N", "boolean": "BOOL", "object": "M"}
_BINARY = {"to_binary"}
"""Functions whose result is a DynamoDB binary value."""


def check_key_results(spec: Spec) -> Iterator[Problem]:
    """Yield a finding for each key attribute whose field has another type for every item."""
    keys = {attribute.name: attribute for attribute in _key_attributes(spec)}
    for template in spec.transform.templates:
        for field in template.fields:
            if field.name in keys and field.type is None:
                yield from _check(spec, field, keys[field.name])


def _key_attributes(spec: Spec) -> Iterator[KeyAttribute]:
    if isinstance(spec.target.indexes, Indexes):
        for index in (*spec.target.indexes.global_, *spec.target.indexes.local):
            yield from (*index.partition, *index.sort)
    yield from spec.target.key.attributes


def _check(spec: Spec, field: Field, key: KeyAttribute) -> Iterator[Problem]:
    tree = parse_expression(field.expression.text)
    function = FUNCTIONS.get(tree["value"]) if tree["type"] == "function_expression" else None
    if function is None or function.name in _BINARY:
        return
    results = {_TYPES.get(word) for word in function.returns.split(" | ") if word != "null"}
    if None in results or key.type in results:
        return
    found = " or ".join(sorted(result for result in results if result))
    message = f"{function.name}() returns {found}; the key {shown(key.name)} is of type {key.type}"
    convertible = {found, key.type} <= {"S", "N"}
    hint = f"write {{from: …, type: {key.type}}} to convert it" if convertible else None
    stretch = Stretches(spec.origin.text, field.expression)
    span = stretch.span(tree["start"], len(function.name))
    yield Rule.KEY_RESULT_TYPE.finding(spec.origin.file, span, message, hint=hint)
