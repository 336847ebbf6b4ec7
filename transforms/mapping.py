"""From one exported line to one outcome: the pass over every item that the rest is made for.

An item is read, judged and made canonical once; attributes that are only copied are not touched
again. Expressions see the exported item, never what other fields made of it. The order in which an
item is judged is fixed, so that the first reason is always the same one: the line, the item, where,
the table's key (partition, then sort), the fields in the spec's order, what is copied, the keys of
indexes, the size, the collision's rank. Nothing here knows where lines come from or where items go.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from retable.schema.reasons import Reason
from retable.schema.spec import Expression as WrittenExpression
from retable.schema.spec import Indexes, KeySchema, Spec, Transform, Winner
from retable.transforms.canonical import (
    SURELY_A_NAME,
    Typed,
    canonical_value,
    check_name,
    digest,
    key_text,
    serialize,
)
from retable.transforms.expression import Expression, ExpressionError, compile_expression
from retable.transforms.fault import ItemFaultError
from retable.transforms.fields import Maker, Source, failed, maker_of, missing_field, rank_of
from retable.transforms.functions.kinds import is_false
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.grammar import calls_of
from retable.transforms.keys import index_rules, key_rules
from retable.transforms.outcome import Dropped, Kept, Outcome, Rejected, Result
from retable.transforms.reads import reads_of
from retable.transforms.size import MAX_ITEM_BYTES, canonical_size
from retable.transforms.view import view_item

Item = dict[str, Typed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides a mapping; what a process pool carries of it."""

    transform: Transform
    key: KeySchema
    indexes: tuple[Indexes, ...] = ()


def compile_mapping(spec: Spec, indexes: Indexes | None = None) -> "Mapping":
    """Return the mapping that ``spec`` declares.

    ``indexes`` are the source's own, for a spec that keeps them.

    Raises:
        ExpressionError: an expression does not follow the grammar; ``check_expressions`` finds
            that, and more, with its place in the spec.
    """
    declared = spec.target.indexes
    known = (declared,) if isinstance(declared, Indexes) else ()
    extra = () if indexes is None else (indexes,)
    return Mapping(Recipe(transform=spec.transform, key=spec.target.key, indexes=(*known, *extra)))


class Mapping:
    """Turns exported lines into outcomes. It has no state: one may serve any number of lines."""

    def __init__(self, recipe: Recipe) -> None:
        """Compile ``recipe``; ``compile_mapping`` makes one from a spec."""
        self._recipe = recipe
        transform = recipe.transform
        makers = {field.name: maker_of(field) for field in transform.fields}
        rules = key_rules(recipe.key)
        keys = {rule.attribute.name for rule in rules}
        self._where = _compiled(transform.where)
        self._rank = _compiled(_winner(transform))
        self._keys = tuple((rule, makers.get(rule.attribute.name)) for rule in rules)
        self._fields = tuple(maker for name, maker in makers.items() if name not in keys)
        self._index_rules = index_rules(recipe.indexes)
        self._uncopied = frozenset(makers) | frozenset(transform.drop)
        self._copied = _copied(transform)
        self._copied_keys = frozenset(filter(self._copies, keys))
        beside = [e for e in (self._where, self._rank) if e is not None]
        self._expressions = (*beside, *(maker.expression for maker in makers.values()))
        viewing = [*beside, *(m.expression for m in makers.values() if m.path is None)]
        self._viewed = reads_of(expression.tree for expression in viewing)
        self._read = reads_of(expression.tree for expression in self._expressions)

    @property
    def unknown_functions(self) -> tuple[str, ...]:
        """Return the names of functions that are called and do not exist here, sorted."""
        calls = (call for e in self._expressions for call in calls_of(e.tree))
        return tuple(sorted({call["value"] for call in calls} - set(FUNCTIONS)))

    def apply(self, line: bytes) -> Outcome:
        """Return what becomes of one exported line, ``{"Item": {…}}``; never raises."""
        try:
            return self._outcome(line)
        except ItemFaultError as fault:
            return Rejected(fault.reason, fault.detail)
        except RecursionError:
            return Rejected(Reason.TOO_DEEP, "values are nested too deeply to be read")

    def __reduce__(self) -> tuple[Any, tuple[Recipe]]:
        """Travel as data, which compiles on arrival."""
        return Mapping, (self._recipe,)

    def _outcome(self, line: bytes) -> Outcome:
        source, faults = _read(line)
        for name, fault in faults.items():
            if self._read is None or name in self._read or name in self._copied_keys:
                raise fault
        view = view_item(source, self._viewed)
        if self._where is not None and is_false(_search(self._where, view, "transform.where")):
            return Dropped()
        made = self._made(source, view)
        for name, fault in faults.items():
            if self._copies(name):
                raise fault
        item = self._copy(source) | made
        for rule in self._index_rules:
            rule.check(item)
        return Kept((self._result(item, view),))

    def _made(self, source: Source, view: Any) -> Item:
        """Return the table's key and what fields make of the item; an absent value has no entry."""
        made = {}
        for rule, maker in self._keys:
            name = rule.attribute.name
            if maker is not None:
                typed = _key_value(maker, source, view)
            else:
                typed = source.get(name) if self._copies(name) else None
            made[name] = rule.check(typed)
        for maker in self._fields:
            typed = maker.make(source, view)
            if typed is not None:
                made[maker.name] = typed
            elif maker.required:
                raise missing_field(maker.name)
        return made

    def _copy(self, source: Source) -> Item:
        """Return the attributes that are handed on under their own names."""
        if self._copied is None:
            copied = dict(source)
            for name in self._uncopied:
                copied.pop(name, None)
            return copied
        return {name: typed for name, typed in source.items() if self._copies(name)}

    def _copies(self, name: str) -> bool:
        return name not in self._uncopied and (self._copied is None or name in self._copied)

    def _result(self, item: Item, view: Any) -> Result:
        size = canonical_size(item)
        if size > MAX_ITEM_BYTES:
            detail = f"{size:,} bytes; DynamoDB holds {MAX_ITEM_BYTES:,} at most"
            raise ItemFaultError(Reason.ITEM_TOO_LARGE, detail)
        rank = None
        if self._rank is not None:
            rank = rank_of(_search(self._rank, view, "transform.collisions"))
        return result_of(item, self._recipe.key, size, rank)


def result_of(item: Item, key: KeySchema, size: int, rank: bytes | None = None) -> Result:
    """Return the result that ``item``, whose values are canonical and fit ``key``, is."""
    body = serialize(item)
    text = key_text({attribute.name: item[attribute.name] for attribute in key.attributes})
    return Result(body, text, digest(body), size, rank)


def _read(line: bytes) -> tuple[Item, dict[str, ItemFaultError]]:
    """Return the canonical values of an exported item, and the faults that may not matter.

    An attribute with a number out of range, or nested too deep, is no reason against an item that
    does not pass it on.
    """
    try:
        parsed = orjson.loads(line)
    except orjson.JSONDecodeError:
        detail = "the line is no JSON in UTF-8"
        raise ItemFaultError(Reason.MALFORMED_LINE, detail) from None
    exported = parsed.get("Item") if type(parsed) is dict else None
    if type(exported) is not dict:
        raise ItemFaultError(Reason.MALFORMED_LINE, "the line has no Item object")
    values: Item = {}
    faults: dict[str, ItemFaultError] = {}
    for name, typed in exported.items():
        if not 0 < len(name) <= SURELY_A_NAME:
            check_name(name)
        try:
            values[name] = canonical_value(typed)
        except ItemFaultError as fault:
            if fault.reason is Reason.MALFORMED_ITEM:
                raise fault.inside(name) from None
            faults[name] = fault.inside(name)
    return values, faults


def _key_value(maker: Maker, source: Source, view: Any) -> Typed | None:
    """Return what makes a key attribute. A failed expression leaves it missing."""
    try:
        return maker.make(source, view)
    except ItemFaultError as fault:
        if fault.reason is Reason.EXPRESSION_ERROR:
            raise ItemFaultError(Reason.MISSING_KEY, fault.detail) from None
        raise


def _search(expression: Expression, view: Any, what: str) -> Any:
    try:
        return expression.evaluate(view)
    except ExpressionError as error:
        raise failed(what, error) from None


def _compiled(expression: WrittenExpression | None) -> Expression | None:
    return None if expression is None else compile_expression(expression.text)


def _winner(transform: Transform) -> WrittenExpression | None:
    return transform.collisions.by if isinstance(transform.collisions, Winner) else None


def _copied(transform: Transform) -> frozenset[str] | None:
    """Return the attributes that may be copied; ``None`` is all of them."""
    if transform.copy == "all":
        return None
    return frozenset() if transform.copy == "none" else frozenset(transform.copy)
