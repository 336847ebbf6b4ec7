"""From an exported item to a rebuilt one: pure functions, no clock, no network, no files."""

from retable.transforms.expression import compile_expression
from retable.transforms.functions.custom import function
from retable.transforms.mapping import compile_mapping

__all__ = ["compile_expression", "compile_mapping", "function"]
