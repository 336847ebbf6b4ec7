"""A whole mapping as one Python function: from an exported line to its outcome.

The order in which an item is checked is fixed, so that the first reason is always the same one: the
line, where, then for each template its where, the table's key (partition, then sort), the fields in
the spec's order, what is copied, the size, the keys of indexes, the collision's rank. An attribute
that is neither read nor copied is not checked.
"""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

import orjson

from retable.schema.spec import Expression as WrittenExpression
from retable.schema.spec import Field, Functions, Indexes, KeySchema, Template
from retable.transforms.canonical import DIGEST_BYTES, canonical_value, key_text
from retable.transforms.compiler import items
from retable.transforms.compiler.code import Module, Writer
from retable.transforms.compiler.expressions import Expressions, Operand, not_null
from retable.transforms.compiler.places import Place, check_once, rejected
from retable.transforms.compiler.runtime import NAMES
from retable.transforms.expression import compile_expression
from retable.transforms.fault import shown
from retable.transforms.functions.signature import Function
from retable.transforms.item_outcome import Dropped, Kept, Result
from retable.transforms.judge import judge
from retable.transforms.keys import IndexRule, KeyRule, index_rules, key_rules
from retable.transforms.size import MAX_ITEM_BYTES, item_size

LONGEST_KEY_TEXT = 4
"""Bytes that a character of a key may need."""
_NAMES = NAMES | {
    "DROPPED": Dropped(),
    "FLAGS": items.FLAGS,
    "FLAG_EXCESS": items.FLAG_EXCESS,
    "Kept": Kept,
    "Result": Result,
    "SORTED": orjson.OPT_SORT_KEYS,
    "check_once": check_once,
    "checked_key": items.checked_key,
    "copied": items.copied,
    "dumps": orjson.dumps,
    "given_type": items.given_type,
    "halves": items.halves,
    "hasher": blake2b(digest_size=DIGEST_BYTES).copy,
    "item_size": item_size,
    "key_text": key_text,
    "loads": orjson.loads,
    "missing": items.missing,
    "new": tuple.__new__,
    "no_array": items.no_array,
    "rank_of": items.rank_of,
    "rejected": rejected,
    "too_large": items.too_large,
    "wrapped": items.wrapped,
}
_ITEM = Operand("item", "item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that defines a mapping, as data; this is what a process pool pickles."""

    where: WrittenExpression | None
    templates: tuple[Template, ...]
    key: KeySchema
    indexes: tuple[Indexes, ...] = ()
    rank: WrittenExpression | None = None
    functions: Functions | None = None


class MappingWriter:
    """Writes the function of one recipe."""

    def __init__(self, recipe: Recipe, functions: Mapping[str, Function]) -> None:
        """Write it; ``module`` and ``name`` are the result."""
        self.module = Module(_NAMES)
        self._recipe = recipe
        self._functions = functions
        self._expressions = Expressions(self.module, functions)
        self._places: list[Place] = [Place()]
        self._rules = key_rules(recipe.key)
        self._index_rules = index_rules(recipe.indexes)
        first, *others = recipe.templates
        self._one = not others and first.each is None and first.where is None
        writer = self.module.function("apply", "line")
        self._write(writer)
        places = self.module.constant(tuple(self._places), "places", "places")
        writer.line("except Exception as error:")
        writer.line(f"    return rejected(error, {places}[place], item)")
        self.name = writer.end()

    def _write(self, writer: Writer) -> None:
        writer.line("item = None")
        writer.line("place = 0")
        with writer.block("try:"):
            writer.line("parsed = loads(line)")
            writer.line("item = parsed['Item']")
            writer.comment("an object with a duplicate name is shorter once it is parsed")
            writer.line("if item.__class__ is not dict or len(dumps(parsed)) != len(line):")
            writer.line("    check_once(line, item)")
            self._where(writer, self._recipe.where, "transform.where", _ITEM, "return DROPPED")
            if not self._one:
                writer.line("results = []")
            for number, template in enumerate(self._recipe.templates):
                self._template(writer, template, number)
            if not self._one:
                writer.line("return new(Kept, (tuple(results),))")

    def _place(self, writer: Writer, place: Place) -> None:
        """Record which stage the following lines belong to."""
        writer.line(f"place = {len(self._places)}")
        self._places.append(place)

    def _where(
        self,
        writer: Writer,
        where: WrittenExpression | None,
        what: str,
        at: Operand,
        otherwise: str,
    ) -> None:
        if where is None:
            return
        writer.comment(f"{what}: {where.text}")
        self._place(writer, Place(what=what))
        found = self._value(writer, where, at)
        writer.line(f"if {self._expressions.false(found)}:")
        writer.line(f"    {otherwise}")

    def _value(self, writer: Writer, written: WrittenExpression, at: Operand) -> Operand:
        tree = compile_expression(written.text, self._functions).tree
        return self._expressions.value(writer, tree, at)

    def _template(self, writer: Writer, template: Template, number: int) -> None:
        """Write what one template produces from an item: a result, or one for each element."""
        what = "transform" if self._one else f"transform.items[{number}]"
        if template.each is None:
            # If a template is skipped, the next one continues: a loop of one round allows that.
            once = template.where is not None
            with writer.block("for _ in (None,):") if once else contextlib.nullcontext():
                self._result(writer, template, what, _ITEM)
            return
        writer.comment(f"{what}.each: {template.each.text}")
        self._place(writer, Place(what=f"{what}.each"))
        array = self._value(writer, template.each, _ITEM)
        several = writer.let("several", self._expressions.array_of(writer, array))
        one = self.module.name("each")
        with writer.block(f"if {several} is None and {not_null(array)}:"):
            writer.line(f"no_array({self._expressions.seen(writer, array).name})")
        with writer.block(f"for {one} in {several} or ():"):
            element = Operand(one, "plain" if array.view == "plain" else "typed")
            bound = replace(_ITEM, bound=(template.bind, element))
            self._result(writer, template, what, bound)

    def _result(self, writer: Writer, template: Template, what: str, at: Operand) -> None:
        self._where(writer, template.where, f"{what}.where", at, "continue")
        writer.line("excess = 0")
        fields = {field.name: field for field in template.fields}
        uncopied = set(fields) | set(template.drop)
        keys = {
            rule.attribute.name: self._key(writer, rule, fields, template, at)
            for rule in self._rules
        }
        made = {
            name: self._field(writer, field, at, key=False)[0]
            for name, field in fields.items()
            if name not in keys
        }
        self._copy(writer, template, uncopied, keys)
        for name, typed in made.items():
            writer.line(f"if {typed} is not None:")
            writer.line(f"    out[{name!a}] = {typed}")
        self._place(writer, Place())
        self._finish(writer, {name: text for name, (_, text) in keys.items()})

    def _key(
        self,
        writer: Writer,
        rule: KeyRule,
        fields: Mapping[str, Field],
        template: Template,
        at: Operand,
    ) -> tuple[str, str]:
        """Write one attribute of the key; return the names of its typed value and its string."""
        name, kind = rule.attribute.name, rule.attribute.type
        text = None
        if name in fields:
            typed, text = self._field(writer, fields[name], at, key=True)
        elif _copies(template, fields, name):
            typed = writer.let(name, f"item.get({name!a})")
        else:
            typed = writer.let(name, "None")
        self._place(writer, Place())
        checked = self.module.constant(rule, ("rule", name), "rule")
        if kind != "S":
            writer.line(f"excess += checked_key({checked}, {typed})")
            return typed, writer.let("text", f"{typed}['{kind}']")
        usual = f"0 < len({{}}) <= {rule.limit // LONGEST_KEY_TEXT}"
        if text is None:
            text = writer.let("text", f"{typed}.get('S') if {typed} is not None else None")
            usual += f" and len({typed}) == 1"
        with writer.block(f"if not ({text}.__class__ is str and {usual.format(text)}):"):
            writer.line(f"excess += checked_key({checked}, {typed})")
            writer.line(f"{text} = {typed}['S']")
        return typed, text

    def _field(
        self, writer: Writer, field: Field, at: Operand, *, key: bool
    ) -> tuple[str, str | None]:
        """Write the code of one attribute; return the name of its typed value, ``None`` if absent.

        Where it is text, the second name has that. The excess of a key is counted where its rule
        is checked.
        """
        what = f"field {shown(field.name)}"
        writer.comment(f"{what}: {field.expression.text}")
        self._place(writer, Place(what=what, field=field.name, key=key))
        found = self._value(writer, field.expression, at)
        typed, text = self._typed(writer, field, found, counted=not key)
        if field.default is not None:
            default = canonical_value(dict(field.default))
            name = self.module.constant(default, ("default", field.name, id(field)), "default")
            with writer.block(f"if {typed} is None:"):
                writer.line(f"{typed} = {name}")
                if not key:
                    writer.line(f"excess += {judge(default)}")
        elif field.required and not key:
            writer.line(f"if {typed} is None:")
            writer.line(f"    missing({field.name!a})")
        return typed, text

    def _typed(
        self, writer: Writer, field: Field, found: Operand, *, counted: bool
    ) -> tuple[str, str | None]:
        """Write the typed value of ``found``; add its excess if it is to be ``counted``."""
        if found.view == "item":
            found = self._expressions.seen(writer, found)
        if found.view == "typed" and field.type is None:
            if counted and found.array is not None:
                writer.line(f"if {found.array} is not None:")
                writer.line(f"    excess += judge_list({found.array})")
            elif counted:
                writer.line(f"if {self._expressions.not_a_string(writer, found)}:")
                writer.line(f"    excess += judge({found.name})")
            # The same value may be used by other fields, which have no default.
            return (writer.let(field.name, found.name) if field.default else found.name), None
        made, text = self.module.name(field.name), None
        if field.type is not None:
            value = found.name if found.view == "typed" else f"wrap({found.name})"
            writer.line(f"{made}, more = given_type({value}, {field.type!a})")
            more = "excess += more"
        elif found.flag:
            writer.line(f"{made} = FLAGS[{found.name}]")
            more = f"excess += FLAG_EXCESS[{found.name}]"
        else:
            text = self._wrapped(writer, made, found.name, counted=counted)
            more = "pass"
        if counted and text is None:
            writer.line(more)
        return made, text

    def _wrapped(self, writer: Writer, made: str, name: str, *, counted: bool) -> str:
        """Write the typed value of a plain one; return the name of its string."""
        text = writer.let("text", name)
        with writer.block(f"if {text}.__class__ is str:"):
            writer.line(f"{made} = {{'S': {text}}}")
        with writer.block("else:"):
            writer.line(f"{made}, more = wrapped({text})")
            if counted:
                writer.line("excess += more")
        return text

    def _copy(
        self,
        writer: Writer,
        template: Template,
        uncopied: set[str],
        keys: Mapping[str, tuple[str, str]],
    ) -> None:
        """Write ``out`` with the key and what is copied under its own name."""
        writer.comment(f"copy: {template.copy}")
        self._place(writer, Place())
        made = ", ".join(f"{name!a}: {typed}" for name, (typed, _text) in keys.items())
        if template.copy == "none":
            writer.line(f"out = {{{made}}}")
            return
        if template.copy == "all":
            writer.line("out = item.copy()")
            for name in sorted(uncopied | set(keys)):
                writer.line(f"out.pop({name!a}, None)")
        else:
            writer.line("out = {}")
            for name in (one for one in template.copy if one not in uncopied and one not in keys):
                found = writer.let(name, f"item.get({name!a})")
                writer.line(f"if {found} is not None:")
                writer.line(f"    out[{name!a}] = {found}")
        writer.line("excess += copied(out)")
        writer.line(f"out.update({{{made}}})")

    def _finish(self, writer: Writer, texts: Mapping[str, str]) -> None:
        """Write the result of ``out``: its form, size, key, digest, and checks of index keys."""
        writer.line("body = dumps(out, None, SORTED)")
        writer.comment(
            "without escapes, the size follows from the JSON's length, and keys need no escapes"
        )
        with writer.block("if 92 in body:"):
            writer.line("size = item_size(out)")
            pairs = ", ".join(f"{name!a}: out[{name!a}]" for name in texts)
            writer.line(f"key = key_text({{{pairs}}})")
        with writer.block("else:"):
            writer.line("size = len(body) - 1 - 12 * len(out) - excess")
            writer.line(f"key = {self._key_text(texts)}")
        for rule in self._index_rules:
            self._index_rule(writer, rule)
        writer.line(f"if size > {MAX_ITEM_BYTES}:")
        writer.line("    too_large(size)")
        rank = "None"
        if self._recipe.rank is not None:
            what = "transform.collisions"
            writer.comment(f"{what}: {self._recipe.rank.text}")
            self._place(writer, Place(what=what))
            value = self._value(writer, self._recipe.rank, _ITEM)
            rank = f"rank_of({self._expressions.seen(writer, value).name})"
        writer.line("digest = hasher()")
        writer.line("digest.update(body)")
        result = f"new(Result, (body, key, halves(digest.digest()), size, {rank}))"
        kept = f"return new(Kept, (({result},),))"
        writer.line(kept if self._one else f"results.append({result})")

    def _key_text(self, texts: Mapping[str, str]) -> str:
        """Return the code of the key's canonical JSON, for values that need no escapes."""
        pieces, before = [], "{"
        for rule in self._rules:
            name = orjson.dumps(rule.attribute.name).decode()
            pieces += [
                ascii(f'{before}{name}:{{"{rule.attribute.type}":"'),
                texts[rule.attribute.name],
            ]
            before = '"},'
        return " + ".join([*pieces, ascii('"}}')])

    def _index_rule(self, writer: Writer, rule: IndexRule) -> None:
        name, kind = rule.attribute.name, rule.attribute.type
        checked = self.module.constant(rule, ("index", name, kind), "index")
        usual = f"'{kind}' in indexed" if kind == "N" else f"indexed.get('{kind}')"
        writer.line(f"indexed = out.get({name!a})")
        writer.line(f"if indexed is not None and not {usual}:")
        writer.line(f"    {checked}.check(out)")


def _copies(template: Template, fields: Mapping[str, Field], name: str) -> bool:
    """Return whether the attribute ``name`` is copied under its own name."""
    if name in fields or name in template.drop or template.copy == "none":
        return False
    return template.copy == "all" or name in template.copy
