"""Subject: a spec without errors and its parsed expressions, as the linter's passes see it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from retable.schema.problem import Label, Problem
from retable.schema.rules import Rule
from retable.schema.spec import Expression, Field, Spec, SpecPath, Template, Winner
from retable.transforms.grammar import Node
from retable.transforms.parse_expression import parse_expression
from retable.transforms.stretches import Stretches


@dataclass(frozen=True, slots=True)
class Written:
    """One expression of a spec: its text and position, its tree, the path to it."""

    expression: Expression
    tree: Node
    path: SpecPath
    bound: frozenset[str] = frozenset()
    """Names that are not attributes of the item here."""


@dataclass(frozen=True)
class Subject:
    """What the passes look at. A pass yields findings and changes nothing."""

    spec: Spec

    @cached_property
    def templates(self) -> tuple[tuple[SpecPath, Template], ...]:
        """Return the templates of target items, each with the path to its declaration."""
        declared = self.spec.transform
        base: SpecPath = ("transform",)
        if not declared.items:
            return ((base, declared.templates[0]),)
        return tuple(((*base, "items", i), one) for i, one in enumerate(declared.items))

    @cached_property
    def expressions(self) -> tuple[Written, ...]:
        """Return every expression, in the order of the sections."""
        return tuple(self._expressions())

    def fields(self, name: str) -> Iterator[tuple[SpecPath, Field]]:
        """Yield the fields that produce the attribute ``name``: at most one per template."""
        for path, template in self.templates:
            for field in template.fields:
                if field.name == name:
                    yield (*path, "fields", name), field

    def tree(self, field: Field) -> Node:
        """Return the tree of a field's expression."""
        return parse_expression(field.expression.text)

    def at(
        self,
        rule: Rule,
        path: SpecPath,
        message: str,
        *,
        hint: str | None = None,
        others: tuple[Label, ...] = (),
    ) -> Problem:
        """Return the finding that the value at ``path`` breaks ``rule``."""
        origin = self.spec.origin
        return rule.finding(origin.file, origin.place(path), message, hint=hint, others=others)

    def inside(
        self, rule: Rule, written: Expression, offsets: tuple[int, int], message: str, hint: str
    ) -> Problem:
        """Return the finding that part of an expression (offset, length) breaks ``rule``."""
        origin = self.spec.origin
        span = Stretches(origin.text, written).span(*offsets)
        return rule.finding(origin.file, span, message, hint=hint)

    def label(self, path: SpecPath, text: str) -> Label:
        """Return ``text`` as a label at ``path``."""
        return Label(self.spec.origin.place(path), text)

    def _expressions(self) -> Iterator[Written]:
        transform = self.spec.transform
        if transform.where is not None:
            yield _read(transform.where, ("transform", "where"))
        for path, template in self.templates:
            bound = frozenset({template.bind} if template.each is not None else ())
            if template.where is not None and path != ("transform",):
                yield _read(template.where, (*path, "where"), bound)
            if template.each is not None:
                yield _read(template.each, (*path, "each"))
            for field in template.fields:
                yield _read(field.expression, (*path, "fields", field.name), bound)
        if isinstance(transform.collisions, Winner):
            yield _read(transform.collisions.by, ("transform", "collisions"))


def _read(expression: Expression, path: SpecPath, bound: frozenset[str] = frozenset()) -> Written:
    return Written(expression, parse_expression(expression.text), path, bound)
