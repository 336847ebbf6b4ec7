"""Whether a value surely follows the JSON Schema: a quick check before the library's thorough one.

Most specs have no mistakes and need not wait for jsonschema, whose import takes longer than
everything else. ``True`` is final; ``False`` only means that the library must check. ``oneOf`` is
in the schema for editors and is skipped, as in ``validate``.

Two kept libraries were measured in its place in December 2026 (Python 3.11.7; CPU time of
``benchmarks/lint.py --specs 200``, both sides in one session):

* fastjsonschema 2.22.3 gives the same answers, but compiles the schema at each start: 0.19 s, more
  than jsonschema's import, where the first check here takes 0.001 s. Linting one spec takes 0.48 s
  in place of 0.24 s. Compiled ahead of time, it is 600 kB of generated code to keep up to date.
* jsonschema-rs 0.61.2 accepts the decimal ``1.0`` as an integer, which jsonschema refuses: its
  ``True`` would not be final. It lints about as fast (one spec 0.25 s in place of 0.24 s, 200 specs
  1.67 s in place of 1.79 s), but its wheel has 6.4 MB (15 MB installed).
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Schema = Mapping[str, Any]
Check = Callable[[Any, Any, Schema, Schema], bool]
"""The keyword's value, the value to check, the schema with the keyword, and the root schema."""

_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def conforms(value: Any, schema: Schema, root: Schema) -> bool:
    """Return whether ``value`` surely follows ``schema``, a part of ``root``."""
    for keyword, said in schema.items():
        if keyword in _SILENT:
            continue
        check = _CHECKS.get(keyword)
        if check is None or not check(said, value, schema, root):
            return False
    return True


def _type(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    if isinstance(said, str):
        return type(value) in _KINDS[said]
    return any(type(value) in _KINDS[name] for name in said)


def _enum(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    return any(type(value) is type(one) and value == one for one in said)


def _const(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    return type(value) is type(said) and value == said


def _ref(said: str, value: Any, _schema: Schema, root: Schema) -> bool:
    return conforms(value, root["$defs"][said.removeprefix("#/$defs/")], root)


def _properties(said: Any, value: Any, _schema: Schema, root: Schema) -> bool:
    return not isinstance(value, dict) or all(
        conforms(value[name], part, root) for name, part in said.items() if name in value
    )


def _additional(said: Any, value: Any, schema: Schema, root: Schema) -> bool:
    if not isinstance(value, dict):
        return True
    others = [part for name, part in value.items() if name not in schema.get("properties", {})]
    if isinstance(said, bool):
        return said or not others
    return all(conforms(part, said, root) for part in others)


def _items(said: Any, value: Any, _schema: Schema, root: Schema) -> bool:
    return not isinstance(value, list) or all(conforms(entry, said, root) for entry in value)


def _if(said: Any, value: Any, schema: Schema, root: Schema) -> bool:
    met = conforms(value, said, root)
    if not met and not _is_exact(said):
        return False
    return conforms(value, schema.get("then" if met else "else", {}), root)


def _is_exact(condition: Schema) -> bool:
    """Return whether a value that may not follow ``condition`` certainly does not follow it."""
    return all(
        keyword in {"type", "required"}
        or (keyword == "const" and isinstance(said, str))
        or (keyword == "enum" and all(isinstance(one, str) for one in said))
        or (keyword == "properties" and all(map(_is_exact, said.values())))
        for keyword, said in condition.items()
    )


def _not(said: Any, value: Any, _schema: Schema, root: Schema) -> bool:
    del root
    # Only schemas that exclude single values are checked here.
    if list(said) == ["const"]:
        return bool(value != said["const"])
    return list(said) == ["enum"] and all(value != one for one in said["enum"])


def _all_of(said: Any, value: Any, _schema: Schema, root: Schema) -> bool:
    return all(conforms(value, part, root) for part in said)


def _required(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    return not isinstance(value, dict) or all(name in value for name in said)


def _unique(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    if not said or not isinstance(value, list):
        return True
    return all(isinstance(one, str) for one in value) and len(set(value)) == len(value)


def _pattern(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
    return not isinstance(value, str) or _compiled(said).search(value) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _bounds(kinds: tuple[type, ...], measure: Callable[[Any], Any], *, least: bool) -> Check:
    """Return the check of a value of ``kinds``, measured, against a bound."""

    def check(said: Any, value: Any, _schema: Schema, _root: Schema) -> bool:
        if type(value) not in kinds:
            return True
        found = measure(value)
        return bool(found >= said if least else found <= said)

    return check


_CHECKS: dict[str, Check] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "$ref": _ref,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "if": _if,
    "not": _not,
    "allOf": _all_of,
    "required": _required,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "minLength": _bounds((str,), len, least=True),
    "maxLength": _bounds((str,), len, least=False),
    "minItems": _bounds((list,), len, least=True),
    "maxItems": _bounds((list,), len, least=False),
    "minProperties": _bounds((dict,), len, least=True),
    "maxProperties": _bounds((dict,), len, least=False),
    "minimum": _bounds((int, Decimal), lambda number: number, least=True),
    "maximum": _bounds((int, Decimal), lambda number: number, least=False),
}
_SILENT = {
    *("$schema", "$id", "$defs", "title", "description", "examples", "default", "x-expected"),
    *("then", "else", "oneOf"),
}
"""Keywords that do not constrain a value by themselves."""
