"""From an exported item to a rebuilt one: pure functions, no clock, no network, no files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retable.transforms.expression import compile_expression
    from retable.transforms.functions.custom import function
    from retable.transforms.mapping import compile_mapping

__all__ = ["compile_expression", "compile_mapping", "function"]

_PLACES = {
    "compile_expression": "retable.transforms.expression",
    "compile_mapping": "retable.transforms.mapping",
    "function": "retable.transforms.functions.custom",
}


def __getattr__(name: str) -> Any:
    """Return a re-exported name, imported on first use.

    Linting reads expressions and compiles none, and should not wait for the compiler.
    """
    if name not in _PLACES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    from importlib import import_module  # noqa: PLC0415 -- as above

    return getattr(import_module(_PLACES[name]), name)
