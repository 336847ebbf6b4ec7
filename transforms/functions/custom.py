"""A spec's own functions, from a Python file beside it: parsed without running, run with consent.

A spec may be untrusted. What its file declares is therefore read from the syntax tree, which
executes nothing; only ``load_functions`` runs it. Other modules read the file and check
consent.
"""

import ast
import re
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from retable.schema.spec import Functions
from retable.transforms.functions.kinds import ExpressionError, refuse_value
from retable.transforms.functions.signature import Function, define
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.functions.text import MAX_LENGTH
from retable.transforms.view import BinaryText, Null, SetView

Run = TypeVar("Run", bound=Callable[..., Any])
MAX_LEVELS = 64
"""How deeply a custom function's result may be nested: twice what an item can hold."""
_TYPE = r"(?:string|number|boolean|array|object|null|any|expression)(?:\[\])?"
_TYPES = rf"{_TYPE}(?: \| {_TYPE})*"
_PARAMETER = rf"(?:\.\.\.)?[a-z]+\??: {_TYPES}"
_SIGNATURE = re.compile(
    rf"(?P<name>[a-z_][a-z0-9_]*)\({_PARAMETER}(?:, {_PARAMETER})*\) -> {_TYPES}", re.ASCII
)
_EXAMPLE = "such as tier(total: number) -> string"


class FunctionsError(ValueError):
    """A file of functions that cannot be used. ``line`` counts from 1, if there is one."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep both."""
        self.message = message
        self.line = line
        super().__init__(message)


def function(signature: str) -> Callable[[Run], Run]:
    """Declare that expressions may call the function below, as in ``@function("…")``.

    ``signature`` names parameters and JMESPath types: ``tier(total: number, of?: string[]) ->
    string``; ``?`` makes one optional, ``...`` takes the rest. Numbers arrive as ``Decimal``, text
    and binary (as base64) as ``str``, sets and lists as ``list``, maps as ``dict``, null as
    ``None``, and may be returned as such, or as ``int``; a float is refused, as it is not exact.
    The function must be pure: its result may depend only on its arguments (I7).
    """

    def declared(run: Run) -> Run:
        return run

    # The signature is read from the file; here it only has to be present.
    del signature
    return declared


def declared_functions(functions: Functions) -> tuple[Function, ...]:
    """Return what the file declares, without running it: calling one of these is a mistake.

    Raises:
        FunctionsError: the file is not valid Python, or a declaration is wrong.
    """
    try:
        tree = ast.parse(functions.text or "", functions.file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        message = f"not valid Python: {getattr(error, 'msg', 'it cannot be read')}"
        raise FunctionsError(message, line) from None
    found: dict[str, Function] = {}
    for node, signature in _declarations(tree):
        made = _declared(node, signature)
        if made.name in found:
            message = f"{made.name}() is declared twice"
            raise FunctionsError(message, node.lineno)
        found[made.name] = made
    return tuple(found.values())


def load_functions(functions: Functions) -> Mapping[str, Function]:
    """Run the file and return what it declares, by name.

    Raises:
        FunctionsError: running it fails; the message holds no more than the error's class.
    """
    declared = declared_functions(functions)
    module = types.ModuleType("retable_functions")
    try:
        # The user allowed it; without consent nothing calls this.
        exec(compile(functions.text or "", functions.file, "exec"), module.__dict__)  # noqa: S102
        runs = {one.name: getattr(module, one.name) for one in declared}
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a stranger's file raises
        message = f"running it fails with {type(error).__name__}"
        raise FunctionsError(message) from None
    return {one.name: replace(one, run=_guarded(one.name, runs[one.name])) for one in declared}


def all_functions(functions: Functions | None) -> Mapping[str, Function]:
    """Return all that expressions can call: built-in functions and, with consent, a spec's own.

    Raises:
        FunctionsError: as ``load_functions``.
    """
    if functions is None or not functions.allowed:
        return FUNCTIONS
    return {**FUNCTIONS, **load_functions(functions)}


def _declarations(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef, str]]:
    """Yield each decorated function of the file's top level with its signature."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            if _names_function(decorator):
                yield _plain(node), _signature(decorator, node)


def _names_function(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    return name == function.__name__


def _signature(decorator: ast.expr, node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    arguments = decorator.args if isinstance(decorator, ast.Call) else []
    if len(arguments) == 1 and isinstance(arguments[0], ast.Constant):
        signature = arguments[0].value
        if isinstance(signature, str):
            return signature
    message = f"@function takes one string, the signature, {_EXAMPLE}"
    raise FunctionsError(message, node.lineno)


def _plain(node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.FunctionDef:
    yields = any(isinstance(inner, ast.Yield | ast.YieldFrom) for inner in ast.walk(node))
    if isinstance(node, ast.AsyncFunctionDef) or yields:
        message = f"{node.name}() must be a plain function: no async, no yield"
        raise FunctionsError(message, node.lineno)
    return node


def _declared(node: ast.FunctionDef, signature: str) -> Function:
    found = _SIGNATURE.fullmatch(signature)
    if found is None:
        message = f"the signature of {node.name}() must read {_EXAMPLE}"
        raise FunctionsError(message, node.lineno)
    summary = (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
    made = define(signature, _not_run, summary)
    if made.name != node.name:
        message = f"the signature of {node.name}() names {made.name}()"
    elif made.name in FUNCTIONS:
        message = f"there is already a function {made.name}()"
    elif not _fits(node.args, made):
        message = f"{made.name}() does not match its signature"
    else:
        return made
    raise FunctionsError(message, node.lineno)


def _fits(arguments: ast.arguments, made: Function) -> bool:
    """Return whether a Python function takes the number of arguments in its signature."""
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    most = None if arguments.vararg else positional
    enough = most is None or (made.most is not None and made.most <= most)
    keyword_only = any(default is None for default in arguments.kw_defaults)
    return required <= made.least and enough and not keyword_only


def _not_run(*_arguments: Any) -> NoReturn:
    refuse_value("custom functions run only with the user's consent")


def _guarded(name: str, run: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``run`` so that it either returns a value or raises an ``ExpressionError``."""

    def call(*arguments: Any) -> Any:
        try:
            value = run(*map(_handed, arguments))
        except ExpressionError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a stranger's code raises
            # Its message may contain item values; its class does not.
            return refuse_value(f"{name}() raised {type(error).__name__}")
        return _taken(name, value, MAX_LEVELS, [MAX_LENGTH])

    return call


def _handed(value: Any) -> Any:
    """Return an argument as the function gets it: its own copy, nulls as ``None``."""
    if isinstance(value, Null):
        return None
    if isinstance(value, SetView):
        return SetView(value.kind, list(value))
    if isinstance(value, list):
        return [_handed(element) for element in value]
    if isinstance(value, dict):
        return {name: _handed(inner) for name, inner in value.items()}
    return value


def _taken(name: str, value: Any, levels: int, left: list[int]) -> Any:
    """Return a function's result, if JMESPath has its type; ``left`` bounds its size."""
    left[0] -= 1
    if not levels or left[0] < 0:
        refuse_value(f"{name}() returned a value that is too large or too deep")
    kind = type(value)
    if kind in {type(None), bool, int, str, BinaryText, SetView}:
        return value
    if kind is Decimal and value.is_finite():
        return value
    if kind in {list, tuple}:
        return [_taken(name, element, levels - 1, left) for element in value]
    if kind is dict and all(type(key) is str for key in value):
        return {key: _taken(name, inner, levels - 1, left) for key, inner in value.items()}
    return refuse_value(f"{name}() gave a value of the class {kind.__name__}")


__all__ = [
    "FunctionsError",
    "all_functions",
    "declared_functions",
    "function",
    "load_functions",
]
