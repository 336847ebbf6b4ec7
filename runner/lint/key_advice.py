"""Keys that work, but not well: MIG332 to MIG335."""

from collections.abc import Iterator
from itertools import pairwise

from retable.runner.lint.subject import Subject
from retable.schema.problem import Problem
from retable.schema.rules import Rule
from retable.schema.spec import Field, Indexes, KeyAttribute, Template
from retable.schema.wording import shown
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.grammar import Node, calls_of, children_of

_PADDING = {"pad_left", "format_number"}


def check_keys(subject: Subject) -> Iterator[Problem]:
    """Yield findings about the keys of the table and its indexes, and about its ttl."""
    key = subject.spec.target.key
    yield from _constant(subject, key.partition)
    for attribute in key.attributes:
        for _, field in subject.fields(attribute.name):
            yield from _joined(subject, field)
    for attribute in _text_sorts(subject):
        for _, field in subject.fields(attribute.name):
            yield from _unpadded(subject, field)
    yield from _ttl(subject)


def _constant(subject: Subject, partition: KeyAttribute) -> Iterator[Problem]:
    made = list(subject.fields(partition.name))
    constant = [path for path, field in made if subject.tree(field)["type"] == "literal"]
    if constant and len(constant) == len(subject.templates):
        message = f"every item has the same {shown(partition.name)}, the partition key"
        hint = "one partition takes at most 1,000 write units a second"
        yield subject.at(Rule.CONSTANT_KEY, constant[0], message, hint=hint)


def _joined(subject: Subject, field: Field) -> Iterator[Problem]:
    for call in calls_of(subject.tree(field)):
        parts = _unseparated(call)
        if any(left != "literal" != right for left, right in pairwise(parts)):
            message = f"no separator between the parts of the key {shown(field.name)}"
            hint = "'a' and 'bc' give the same key as 'ab' and 'c'; put a separator between them"
            offsets = (call["start"], len(call["value"]))
            yield subject.inside(Rule.AMBIGUOUS_JOIN, field.expression, offsets, message, hint)
            return


def _unseparated(call: Node) -> list[str]:
    """Return the kinds of the parts that ``call`` joins without a separator."""
    arguments = call["children"]
    if call["value"] == "concat":
        return [argument["type"] for argument in arguments]
    if call["value"] == "join" and arguments[0].get("value") == "":
        listed = arguments[1]
        if listed["type"] == "multi_select_list":
            return [part["type"] for part in listed["children"]]
    return []


def _text_sorts(subject: Subject) -> Iterator[KeyAttribute]:
    """Yield the sort keys that are strings."""
    target = subject.spec.target
    sorts = [target.key.sort] if target.key.sort is not None else []
    if isinstance(target.indexes, Indexes):
        for index in (*target.indexes.global_, *target.indexes.local):
            sorts += index.sort
    yield from {sort.name: sort for sort in sorts if sort.type == "S"}.values()


def _unpadded(subject: Subject, field: Field) -> Iterator[Problem]:
    for call in _bare_calls(subject.tree(field)):
        if call["value"] == "to_string":
            message = f"to_string() makes numbers sort as strings in {shown(field.name)}"
            hint = "pad_left(to_string(n), `10`, '0') sorts like the numbers"
            offsets = (call["start"], len("to_string"))
            yield subject.inside(Rule.NUMBER_AS_TEXT, field.expression, offsets, message, hint)


def _bare_calls(node: Node) -> Iterator[Node]:
    """Yield the calls that are not inside a padding function."""
    if node["type"] == "function_expression":
        if node["value"] in _PADDING:
            return
        yield node
    for child in children_of(node):
        yield from _bare_calls(child)


def _ttl(subject: Subject) -> Iterator[Problem]:
    settings = subject.spec.target.settings
    name = None if settings == "keep" else settings.get("ttl")
    if not isinstance(name, str) or name == "keep":
        return
    path = ("target", "settings", "ttl")
    if not any(_has(template, name) for _, template in subject.templates):
        message = f"no item will have {shown(name)}, so no item expires"
        hint = "produce it with a field, or include it in copy"
        yield subject.at(Rule.TTL_WITHOUT_EFFECT, path, message, hint=hint)
    for field_path, field in subject.fields(name):
        if (kind := _kind(subject, field)) not in {None, "N"}:
            message = f"ttl needs seconds as a number; {shown(name)} is produced as {kind}"
            others = (subject.label(field_path, f"of type {kind}"),)
            hint = "iso_to_epoch(text) returns seconds"
            yield subject.at(Rule.TTL_WITHOUT_EFFECT, path, message, hint=hint, others=others)


def _has(template: Template, name: str) -> bool:
    made = any(field.name == name for field in template.fields)
    copied = template.copy == "all" or (template.copy != "none" and name in template.copy)
    return made or (copied and name not in template.drop)


def _kind(subject: Subject, field: Field) -> str | None:
    """Return the type of a field's result, if the spec alone determines it."""
    tree = subject.tree(field)
    if field.type is not None or tree["type"] != "function_expression":
        return field.type
    function = FUNCTIONS.get(tree["value"])
    return "S" if function is not None and function.returns == "string" else None
