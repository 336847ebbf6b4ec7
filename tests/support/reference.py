"""The meaning of JMESPath as ``jmespath`` has it, over exact numbers and DynamoDB's values.

What differs from the library: numbers may be Decimals everywhere, a null that is there counts as
null, and functions come from our table. This interpreter is the measure that any faster evaluation
is held to; it is not made for speed.
"""

from typing import Any

from jmespath.visitor import TreeInterpreter

from retable.transforms.functions.kinds import (
    ErrorKind,
    ExpressionError,
    Reference,
    is_false,
    kind_of,
    refuse_value,
)
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.functions.text import check_length
from retable.transforms.grammar import Node
from retable.transforms.view import is_null


class ExactInterpreter(TreeInterpreter):
    """Evaluates a tree over plain values and over what ``view`` makes of DynamoDB's."""

    def __init__(self) -> None:
        """Look up once what evaluates each kind of node."""
        super().__init__()
        kinds = (name for name in dir(self) if name.startswith("visit_"))
        self._methods = {name.removeprefix("visit_"): getattr(self, name) for name in kinds}

    def visit(self, node: Node, value: Any) -> Any:
        """Return what ``node`` gives for ``value``."""
        return self._methods[node["type"]](node, value)

    def visit_field(self, node: Node, value: Any) -> Any:
        """Return the named value of an object, and null of anything else."""
        return value.get(node["value"]) if isinstance(value, dict) else None

    def visit_comparator(self, node: Node, value: Any) -> Any:
        """Return whether the comparison holds; null where the operands have no order."""
        left = self.visit(node["children"][0], value)
        right = self.visit(node["children"][1], value)
        operator = node["value"]
        if operator not in {"eq", "ne"}:
            kinds = {kind_of(left), kind_of(right)}
            if kinds not in ({"number"}, {"string"}):
                return None
        return self.COMPARATOR_FUNC[operator](left, right)

    def visit_expref(self, node: Node, value: Any) -> Any:  # noqa: ARG002  # the library calls it so
        """Return the expression itself, for the function that will evaluate it."""
        return Reference(lambda element: self.visit(node["children"][0], element))

    def visit_function_expression(self, node: Node, value: Any) -> Any:
        """Return what the function gives for its arguments."""
        arguments = [self.visit(child, value) for child in node["children"]]
        function = FUNCTIONS.get(node["value"])
        if function is None:
            kind: ErrorKind = "unknown-function"
            raise ExpressionError(kind, f"there is no function {node['value']}()")
        return function.call(arguments)

    def visit_filter_projection(self, node: Node, value: Any) -> Any:
        """Return what the right side gives for the elements that pass, nulls left out."""
        base, right, condition = node["children"]
        elements = self.visit(base, value)
        if not isinstance(elements, list):
            return None
        passed = (e for e in elements if not is_false(self.visit(condition, e)))
        return self._project(right, passed)

    def visit_flatten(self, node: Node, value: Any) -> Any:
        """Return the array with the elements of its arrays in their place."""
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        check_length(sum(len(e) if isinstance(e, list) else 1 for e in base))
        return [inner for e in base for inner in (e if isinstance(e, list) else [e])]

    def visit_projection(self, node: Node, value: Any) -> Any:
        """Return what the right side gives for each element, nulls left out."""
        base = self.visit(node["children"][0], value)
        return self._project(node["children"][1], base) if isinstance(base, list) else None

    def visit_value_projection(self, node: Node, value: Any) -> Any:
        """Return what the right side gives for each value of an object, nulls left out."""
        base = self.visit(node["children"][0], value)
        return self._project(node["children"][1], base.values()) if isinstance(base, dict) else None

    def visit_slice(self, node: Node, value: Any) -> Any:
        """Return part of an array."""
        if node["children"][2] == 0:
            refuse_value("the step of a slice must not be 0")
        return super().visit_slice(node, value)

    def visit_multi_select_dict(self, node: Node, value: Any) -> Any:
        """Return an object built over ``value``; null over null."""
        return None if is_null(value) else super().visit_multi_select_dict(node, value)

    def visit_multi_select_list(self, node: Node, value: Any) -> Any:
        """Return an array built over ``value``; null over null."""
        return None if is_null(value) else super().visit_multi_select_list(node, value)

    def visit_not_expression(self, node: Node, value: Any) -> bool:
        """Return whether the operand counts as false."""
        return is_false(self.visit(node["children"][0], value))

    def _is_false(self, value: Any) -> bool:
        return is_false(value)

    def _project(self, right: Node, elements: Any) -> list[Any]:
        results = (self.visit(right, element) for element in elements)
        return [result for result in results if not is_null(result)]
