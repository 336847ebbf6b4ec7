"""From JMESPath's tree to lines of Python, over plain values and over DynamoDB JSON.

One walk serves both: an operand knows which of the two it is. A path over DynamoDB JSON passes
its value through unchanged; what a function or an operator needs is converted to a plain value just
before. The result of the same part of a tree for the same value is computed once. The meaning is
that of the tests' ``support.reference``; mappings and fields are not known here.
"""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from retable.transforms.compiler.calls import UNSET, guard_of
from retable.transforms.compiler.code import Module, Writer
from retable.transforms.functions.kinds import Reference
from retable.transforms.functions.signature import Function
from retable.transforms.grammar import Node

View = Literal["plain", "typed", "item"]
"""What an operand holds: a plain value, one of DynamoDB JSON, or a whole item's attributes."""
MAX_DEPTH = 8
"""Blocks in one function: Python allows twenty nested loops, and readers prefer fewer."""
_OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
_STEPS = frozenset({"field", "index", "slice", "flatten", "current", "identity"})
_PROJECTIONS = frozenset({"projection", "value_projection", "filter_projection"})
_EITHER = frozenset({"or_expression", "and_expression"})
_CHAINS = frozenset({"subexpression", "index_expression", "pipe"})


@dataclass(frozen=True, slots=True)
class Operand:
    """A value that the code has under ``name``."""

    name: str
    view: View
    literal: Any = UNSET
    """The value itself, if it is known at compile time."""
    flag: bool = False
    """It is true, false or a computed null."""
    parts: tuple[str, ...] | None = None
    """It is an array of the plain values of these names."""
    array: str | None = None
    """The name of the list that a typed array made here holds, if it is there."""
    present: bool = False
    """It is never absent, like an element of an array."""
    bound: "tuple[str, Operand] | None" = None
    """A name that is temporarily bound in an item, and its value."""


class Expressions:
    """Writes expressions into the functions of one module."""

    def __init__(
        self,
        module: Module,
        functions: Mapping[str, Function],
        literal: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        """Keep the functions; ``literal`` converts a literal to its value here."""
        self._module = module
        self._functions = functions
        self._convert = literal
        self._keys: dict[int, tuple[Node, int]] = {}
        self._numbers: dict[Hashable, int] = {}

    def value(self, writer: Writer, node: Node, at: Operand) -> Operand:
        """Write the result of ``node`` for ``at``; typed values may be unchecked."""
        key = (self.key(node), at.name, at.bound)
        known: Operand | None = writer.known(key)
        if known is None:
            apart = writer.depth >= MAX_DEPTH and node["type"] not in _STEPS
            known = self._apart(writer, node, at) if apart else self._written(writer, node, at)
            writer.note(key, known)
        return known

    def plain(self, writer: Writer, node: Node, at: Operand) -> Operand:
        """Write the result of ``node`` for ``at`` as a plain value."""
        return self.seen(writer, self.value(writer, node, at))

    def seen(self, writer: Writer, operand: Operand) -> Operand:
        """Write the plain value of ``operand``."""
        if operand.view == "plain":
            return operand
        key = ("seen", operand.name, operand.bound)
        known: Operand | None = writer.known(key)
        if known is None:
            name = operand.name
            if operand.view == "item":
                known = Operand(writer.let("all", f"see_item({_whole(operand)})"), "plain")
            else:
                text = writer.let("text", _if_there(operand, f"{name}.get('S')"))
                with writer.block(f"if {text}.__class__ is not str or len({name}) != 1:"):
                    writer.line(f"{text} = see({name})")
                known = Operand(text, "plain")
            writer.note(key, known)
        return known

    def not_a_string(self, writer: Writer, operand: Operand) -> str:
        """Return the condition under which a typed value is present and not a string."""
        name = operand.name
        seen: Operand | None = writer.known(("seen", name, None))
        if seen is not None:
            return f"{seen.name}.__class__ is not str and {name} is not None"
        usual = f"{name}.get('S').__class__ is str and len({name}) == 1"
        return f"{name} is not None and not ({usual})"

    def false(self, operand: Operand) -> str:
        """Return the condition under which ``operand`` counts as false."""
        if operand.flag:
            return f"not {operand.name}"
        if operand.view == "item":
            return f"not {operand.name}"
        return f"{'is_false' if operand.view == 'plain' else 'false'}({operand.name})"

    def key(self, node: Node) -> int:
        """Return a number shared by exactly the nodes of the same meaning."""
        known = self._keys.get(id(node))
        if known is None:
            children = node.get("children", ())
            inner = children if node["type"] == "slice" else [self.key(one) for one in children]
            meaning = (node["type"], repr(node.get("value")), tuple(inner))
            # The node is kept with its number, so that its id is not reused.
            known = node, self._numbers.setdefault(meaning, len(self._numbers))
            self._keys[id(node)] = known
        return known[1]

    def _written(self, writer: Writer, node: Node, at: Operand) -> Operand:
        kind = node["type"]
        if kind in _CHAINS:
            for child in node["children"]:
                at = self.value(writer, child, at)
            return at
        if kind in _PROJECTIONS:
            return self._projection(writer, node, at)
        write: Callable[[Writer, Node, Operand], Operand] = getattr(self, f"_{kind}")
        return write(writer, node, at)

    def _apart(self, writer: Writer, node: Node, at: Operand) -> Operand:
        """Write ``node`` as a function of its own, and its call."""
        inner = self._module.function("part", "value")
        found = self.value(inner, node, Operand("value", at.view))
        name = inner.end(found.name)
        return Operand(writer.let("part", f"{name}({_whole(at)})"), found.view)

    def _current(self, _writer: Writer, _node: Node, at: Operand) -> Operand:
        return at

    _identity = _current

    def _literal(self, _writer: Writer, node: Node, _at: Operand) -> Operand:
        value = self._convert(node["value"])
        name = self._module.constant(value, ("literal", self.key(node)))
        return Operand(name, "plain", literal=value, flag=isinstance(value, bool))

    def _field(self, writer: Writer, node: Node, at: Operand) -> Operand:
        name, key = at.name, ascii(node["value"])
        if at.bound is not None:
            bound, value = at.bound
            return (
                value if node["value"] == bound else self.value(writer, node, Operand(name, "item"))
            )
        if at.view == "item":
            return Operand(writer.let(node["value"], f"{name}.get({key})"), "typed")
        if at.view == "plain":
            found = f"{name}.get({key}) if isinstance({name}, dict) else None"
            return Operand(writer.let(node["value"], found), "plain")
        members = self._inside(writer, at, "M")
        found = f"{members}.get({key}) if {members}.__class__ is dict and len({name}) == 1"
        return Operand(writer.let(node["value"], f"{found} else member({name}, {key})"), "typed")

    def _inside(self, writer: Writer, at: Operand, kind: str) -> str:
        """Write what a typed value holds if it is of ``kind``, unchecked; ``None`` for others."""
        key = (kind, at.name)
        known: str | None = writer.known(key)
        if known is None:
            known = writer.let("inside", _if_there(at, f"{at.name}.get('{kind}')"))
            writer.note(key, known)
        return known

    def array_of(self, writer: Writer, at: Operand) -> str:
        """Write the list of elements of an array; ``None`` for anything else."""
        if at.view == "item":
            return writer.let("none", "None")
        key = ("elements", at.name)
        known: str | None = writer.known(key)
        if known is not None:
            return known
        if at.view == "plain":
            known = writer.let("array", f"{at.name} if isinstance({at.name}, list) else None")
        else:
            inside = self._inside(writer, at, "L")
            known = writer.let("array", inside)
            with writer.block(f"if {inside}.__class__ is not list or len({at.name}) != 1:"):
                writer.line(f"{known} = elements({at.name})")
        writer.note(key, known)
        return known

    def _index(self, writer: Writer, node: Node, at: Operand) -> Operand:
        array, place = self.array_of(writer, at), int(node["value"])
        enough = f"len({array}) > {place}" if place >= 0 else f"len({array}) >= {-place}"
        found = f"{array}[{place}] if {array} is not None and {enough} else None"
        return Operand(writer.let("one", found), _within(at.view))

    def _slice(self, writer: Writer, node: Node, at: Operand) -> Operand:
        start, stop, step = node["children"]
        if step == 0:
            writer.line("refuse_step()")
        array = self.array_of(writer, at)
        part = f"{array}[{start}:{stop}:{step}]"
        return self._array(writer, "part", part, f"{array} is not None", _within(at.view))

    def _flatten(self, writer: Writer, node: Node, at: Operand) -> Operand:
        base = self.value(writer, node["children"][0], at)
        if base.view == "item":
            return Operand(writer.let("none", "None"), "typed")
        flat = "flat" if base.view == "plain" else "flat_typed"
        return Operand(writer.let("flat", f"{flat}({base.name})"), base.view)

    def _array(self, writer: Writer, hint: str, array: str, condition: str, view: View) -> Operand:
        whole = array if view == "plain" else f"{{'L': {array}}}"
        return Operand(writer.let(hint, f"{whole} if {condition} else None"), view)

    def _projection(self, writer: Writer, node: Node, at: Operand) -> Operand:
        """Write the right side's result for each element that passes, without nulls."""
        left, right, *condition = node["children"]
        base = self.value(writer, left, at)
        values = node["type"] == "value_projection"
        array = self._values(writer, base) if values else self.array_of(writer, base)
        made = writer.let("list", "None")
        one = self._module.name("one")
        with writer.block(f"if {array} is not None:"):
            writer.line(f"{made} = []")
            with writer.block(f"for {one} in {array}:"):
                element = Operand(one, _within(base.view), present=True)
                for test in condition:
                    passed = self.value(writer, test, element)
                    writer.line(f"if {self.false(passed)}:")
                    writer.line("    continue")
                found = self.value(writer, right, element)
                writer.line(f"if {not_null(found)}:")
                writer.line(f"    {made}.append({found.name})")
        if found.view == "plain":
            return Operand(made, "plain")
        whole = self._array(writer, "list", made, f"{made} is not None", "typed")
        return replace(whole, array=made)

    def _values(self, writer: Writer, at: Operand) -> str:
        """Write the list of values of an object; ``None`` for anything else."""
        if at.view == "item":
            whole = _whole(at)
            found = f"[{whole}[name] for name in sorted({whole})]"
        elif at.view == "typed":
            found = f"typed_values({at.name})"
        else:
            found = f"list({at.name}.values()) if isinstance({at.name}, dict) else None"
        return writer.let("values", found)

    def _comparator(self, writer: Writer, node: Node, at: Operand) -> Operand:
        left, right = (self.plain(writer, child, at) for child in node["children"])
        operator = node["value"]
        if operator in _OPERATORS:
            found = f"{left.name} {_OPERATORS[operator]} {right.name}"
            found = f"({found}) if ordered({left.name}, {right.name}) else None"
        elif isinstance(left.literal, str) or isinstance(right.literal, str):
            found = f"{left.name} {'==' if operator == 'eq' else '!='} {right.name}"
        else:
            found = f"{'' if operator == 'eq' else 'not '}equal({left.name}, {right.name})"
        return Operand(writer.let("is", found), "plain", flag=True)

    def _or_expression(self, writer: Writer, node: Node, at: Operand) -> Operand:
        return self._either(writer, node, at, "{}")

    def _and_expression(self, writer: Writer, node: Node, at: Operand) -> Operand:
        return self._either(writer, node, at, "not ({})")

    def _either(self, writer: Writer, node: Node, at: Operand, second_if: str) -> Operand:
        """Write the left side, and the right one if the condition on the left requires it."""
        take = self.value if _view_of(node, at.view) == "typed" else self.plain
        left = take(writer, node["children"][0], at)
        found = writer.let("either", left.name)
        with writer.block(f"if {second_if.format(self.false(left))}:"):
            right = take(writer, node["children"][1], at)
            writer.line(f"{found} = {right.name}")
        return Operand(found, left.view, flag=left.flag and right.flag)

    def _not_expression(self, writer: Writer, node: Node, at: Operand) -> Operand:
        operand = self.value(writer, node["children"][0], at)
        return Operand(writer.let("is", self.false(operand)), "plain", flag=True)

    def _multi_select_list(self, writer: Writer, node: Node, at: Operand) -> Operand:
        def array(inner: Writer) -> tuple[str, tuple[str, ...]]:
            parts = tuple(self.plain(inner, child, at).name for child in node["children"])
            return f"[{', '.join(parts)}]", parts

        if at.view == "item":
            # Not written yet: a function that uses the elements one by one needs no list.
            whole, parts = array(writer)
            return Operand(whole, "plain", parts=parts)
        return self._unless_null(writer, at, lambda inner: array(inner)[0])

    def _multi_select_dict(self, writer: Writer, node: Node, at: Operand) -> Operand:
        def table(inner: Writer) -> str:
            pairs = (
                f"{pair['value']!a}: {self.plain(inner, pair['children'][0], at).name}"
                for pair in node["children"]
            )
            return f"{{{', '.join(pairs)}}}"

        return self._unless_null(writer, at, table)

    def _unless_null(self, writer: Writer, at: Operand, write: Callable[[Writer], str]) -> Operand:
        """Write what is built over a value; it is null over null."""
        if at.view == "item":
            return Operand(writer.let("built", write(writer)), "plain")
        made = writer.let("built", "None")
        with writer.block(f"if {not_null(at)}:"):
            writer.line(f"{made} = {write(writer)}")
        return Operand(made, "plain")

    def _expref(self, _writer: Writer, node: Node, _at: Operand) -> Operand:
        """Write the expression as a function of plain values."""
        inner = self._module.function("by", "value")
        found = self.plain(inner, node["children"][0], Operand("value", "plain"))
        name = self._module.name("ref")
        inner.end(found.name, after=f"{name} = Reference({inner.function_name})")
        return Operand(name, "plain", literal=Reference)

    def _function_expression(self, writer: Writer, node: Node, at: Operand) -> Operand:
        arguments = [self.plain(writer, child, at) for child in node["children"]]
        names = ", ".join(argument.name for argument in arguments)
        function = self._functions.get(node["value"])
        if function is None:
            return Operand(writer.let("none", f"unknown({node['value']!a})"), "plain")
        call = self._module.constant(
            function.call, ("call", function.name), f"call_{function.name}"
        )
        found = f"{call}(({names}{',' if names else ''}))"
        guard = guard_of(function, arguments)
        if guard is not None:
            run = self._module.constant(function.run, ("run", function.name), function.name)
            direct = f"{run}({names})"
            if function.name == "join" and arguments[1].parts:
                direct = f"{arguments[0].name}.join(({', '.join(arguments[1].parts)},))"
            found = f"{direct} if {guard} else {found}" if guard else direct
        return Operand(
            writer.let(function.name, found), "plain", flag=function.returns == "boolean"
        )


def _within(view: View) -> View:
    """Return the view of what is inside something of ``view``."""
    return "plain" if view == "plain" else "typed"


def _whole(at: Operand) -> str:
    """Return the code of ``at`` with its temporarily bound name."""
    if at.bound is None:
        return at.name
    bound, value = at.bound
    typed = value.name if value.view == "typed" else f"wrap({value.name})"
    return f"{{**{at.name}, {bound!a}: {typed}}}"


def not_null(operand: Operand) -> str:
    """Return the condition under which ``operand`` is not null."""
    if operand.view == "item":
        return "True"
    if operand.view == "typed":
        return f"{operand.name} is not None and 'NULL' not in {operand.name}"
    return f"{operand.name} is not None and {operand.name} is not NULL"


def _if_there(operand: Operand, found: str) -> str:
    """Return the code of ``found``, or of absence if ``operand`` is absent."""
    return found if operand.present else f"{found} if {operand.name} is not None else None"


def _view_of(node: Node, view: View) -> View:
    """Return the view of ``Expressions.value`` for ``node`` over something of ``view``."""
    kind, children = node["type"], node["children"]
    if kind in _CHAINS:
        for child in children:
            view = _view_of(child, view)
    elif kind in _PROJECTIONS:
        view = _view_of(children[1], _within(_view_of(children[0], view)))
    elif kind == "flatten":
        view = _within(_view_of(children[0], view))
    elif kind in {"field", "index", "slice"}:
        view = _within(view)
    elif kind in _EITHER:
        view = "typed" if all(_view_of(child, view) == "typed" for child in children) else "plain"
    elif kind not in {"current", "identity"}:
        view = "plain"
    return view
