"""From one exported line to one outcome: the pass over every item.

A mapping is data, a recipe; ``compiler`` generates the Python source that applies
it. Expressions see the exported item, never the results of other fields. Nothing here knows where
lines come from or where items go.
"""

from collections.abc import Callable, Iterator
from typing import Any

from retable.schema.spec import Expression as WrittenExpression
from retable.schema.spec import Indexes, Spec, Transform, Winner
from retable.transforms.compiler.mapping_code import MappingWriter, Recipe
from retable.transforms.expression import compile_expression
from retable.transforms.functions.custom import all_functions
from retable.transforms.grammar import calls_of
from retable.transforms.item_outcome import Outcome

__all__ = ["Mapping", "Recipe", "compile_mapping"]


def compile_mapping(spec: Spec, indexes: Indexes | None = None) -> "Mapping":
    """Return the mapping that ``spec`` declares.

    ``indexes`` are the source's own, for a spec that keeps them.

    Raises:
        ExpressionError: an expression does not follow the grammar; ``check_expressions`` finds
            that, and more, with its place in the spec.
        FunctionsError: the spec's own functions, which may run, cannot be loaded.
    """
    declared = spec.target.indexes
    known = (declared,) if isinstance(declared, Indexes) else ()
    extra = () if indexes is None else (indexes,)
    recipe = Recipe(
        where=spec.transform.where,
        templates=spec.transform.templates,
        key=spec.target.key,
        indexes=(*known, *extra),
        rank=_winner(spec.transform),
        functions=spec.transform.functions,
    )
    return Mapping(recipe)


class Mapping:
    """Turns exported lines into outcomes. It has no state: one serves any number of lines."""

    def __init__(self, recipe: Recipe) -> None:
        """Compile ``recipe``; ``compile_mapping`` creates one from a spec."""
        self._recipe = recipe
        functions = all_functions(recipe.functions)
        self._known = frozenset(functions)
        written = MappingWriter(recipe, functions)
        self.source = written.module.source
        self.constants = written.module.constants()
        self.apply: Callable[[bytes], Outcome] = written.module.run(written.name, "<mapping>")
        """Return what becomes of one exported line, ``{"Item": {…}}``; it never raises."""

    @property
    def unknown_functions(self) -> tuple[str, ...]:
        """Return the names of called functions that do not exist, sorted."""
        trees = (compile_expression(written.text).tree for written in _expressions(self._recipe))
        calls = (call["value"] for tree in trees for call in calls_of(tree))
        return tuple(sorted(set(calls) - self._known))

    def __reduce__(self) -> tuple[Any, tuple[Recipe]]:
        """Pickle as data, which is compiled again when unpickled."""
        return Mapping, (self._recipe,)


def _expressions(recipe: Recipe) -> Iterator[WrittenExpression]:
    found = [recipe.where, recipe.rank]
    for template in recipe.templates:
        found += [template.where, template.each, *(field.expression for field in template.fields)]
    return (written for written in found if written is not None)


def _winner(transform: Transform) -> WrittenExpression | None:
    return transform.collisions.by if isinstance(transform.collisions, Winner) else None
