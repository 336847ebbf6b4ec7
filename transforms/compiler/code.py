"""Python source while it is being written: lines, names, constants, and known results.

The meaning of the lines is not known here. No external text becomes source: names are ASCII letters
with a number, literals are in the namespace or written by ``ascii``.
"""

import re
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

INDENT = "    "
MAX_COMMENT = 90
"""Characters of an expression that a comment shows."""
_SIGNS = re.compile(r"[^a-z0-9]+")


class Module:
    """The functions of one compilation, and the constants they use."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        """Begin with the ``names`` that every function may use."""
        self._namespace = dict(names)
        self._functions: list[list[str]] = []
        self._constants: dict[Hashable, str] = {}
        self._count = 0

    def name(self, hint: str) -> str:
        """Return a unique name: the letters of ``hint``, and a number."""
        self._count += 1
        word = _SIGNS.sub("_", hint.lower())[:24].strip("_")
        return f"{word if word[:1].isalpha() else 'v'}_{self._count}"

    def constant(self, value: Any, key: Hashable, hint: str = "k") -> str:
        """Return the name of the constant ``value``; equal keys share one."""
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = self.name(hint).upper()
            self._namespace[name] = value
        return name

    def function(self, hint: str, parameter: str) -> "Writer":
        """Return a writer for a new function of one parameter."""
        return Writer(self, self.name(hint), parameter)

    def add(self, lines: list[str]) -> None:
        """Add the lines of a finished function."""
        self._functions.append(lines)

    @property
    def source(self) -> str:
        """Return all functions, each after those it uses."""
        return "\n\n\n".join("\n".join(lines) for lines in self._functions) + "\n"

    def constants(self) -> dict[str, Any]:
        """Return the constants by their names."""
        return {name: self._namespace[name] for name in self._constants.values()}

    def run(self, name: str, title: str) -> Any:
        """Execute the source, called ``title`` in tracebacks, and return its ``name``."""
        namespace = dict(self._namespace)
        # Every line was written by this package: see the module's first words.
        exec(compile(self.source, title, "exec"), namespace)  # noqa: S102
        return namespace[name]


class Writer:
    """One function. Blocks nest; what was computed in a block is known only in it and below."""

    def __init__(self, module: Module, name: str, parameter: str) -> None:
        """Begin the function; ``end`` adds it to the module."""
        self.module = module
        self.function_name = name
        self._lines = [f"def {name}({parameter}):"]
        self._known: list[dict[Hashable, Any]] = [{}]

    @property
    def depth(self) -> int:
        """Return how many blocks are open."""
        return len(self._known) - 1

    def line(self, text: str) -> None:
        """Write one line of the innermost block."""
        self._lines.append(INDENT * len(self._known) + text)

    def comment(self, text: str) -> None:
        """Write a comment; whatever the text contains, it stays a comment."""
        shown = ascii(text)[1:-1]
        self.line("# " + (shown if len(shown) <= MAX_COMMENT else shown[:MAX_COMMENT] + "..."))

    def let(self, hint: str, value: str) -> str:
        """Write an assignment of ``value`` to a new name; return the name."""
        name = self.module.name(hint)
        self.line(f"{name} = {value}")
        return name

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        """Write a block; there must be a line in it."""
        self.line(header)
        self._known.append({})
        try:
            yield
        finally:
            self._known.pop()

    def known(self, key: Hashable) -> Any:
        """Return what was noted under ``key`` if it still holds, else ``None``."""
        return next((known[key] for known in reversed(self._known) if key in known), None)

    def note(self, key: Hashable, value: Any) -> None:
        """Note what holds from here to the end of the block."""
        self._known[-1][key] = value

    def end(self, result: str | None = None, after: str | None = None) -> str:
        """End the function, which returns ``result``; ``after`` is a line behind it."""
        if result is not None:
            self.line(f"return {result}")
        self.module.add(self._lines + ([after] if after else []))
        return self.function_name
