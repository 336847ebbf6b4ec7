"""``transform`` of a spec: fields, what is copied and dropped, and how much may be rejected."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from retable.schema.cursor import Cursor
from retable.schema.limits import is_attribute_name
from retable.schema.parse_source import check_inside
from retable.schema.parse_table import check_names
from retable.schema.rules import Rule
from retable.schema.spec import (
    Expression,
    Field,
    Functions,
    Percentage,
    Template,
    Transform,
    Winner,
)
from retable.schema.values import ValueFaultError, to_typed
from retable.schema.wording import dotted, shown

_PERCENTAGE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?) ?%", re.ASCII)
_MAX_PERCENT = 100


def parse_transform(cursor: Cursor) -> Transform:
    """Return ``transform``; errors in it go to the findings."""
    return Transform(
        where=_expression(cursor, "where"),
        copy=_copy(cursor, "all"),
        drop=check_names(cursor.entries("drop")),
        fields=_fields(cursor),
        items=_items(cursor),
        functions=_functions(cursor),
        max_rejects=parse_share(cursor["max_rejects"]) if "max_rejects" in cursor else 0,
        collisions=_collisions(cursor),
    )


def parse_share(cursor: Cursor) -> int | Percentage:
    """Return a count, or a percentage written ``0.01%`` or ``{percent: 0.01}``."""
    value = cursor.value
    if isinstance(value, int):
        return value
    if isinstance(value, dict):
        return Percentage(percent=Decimal(value["percent"]))
    match = _PERCENTAGE.fullmatch(value)
    if match is None or Decimal(match[1]) > _MAX_PERCENT:
        thing = dotted(cursor.path)
        message = f"{thing} must be a count or a percentage up to 100%; found {shown(value)}"
        cursor.error(Rule.BAD_PERCENTAGE, message, hint="write a percentage such as 0.01%")
        return 0
    return Percentage(percent=Decimal(match[1]))


def _items(cursor: Cursor) -> tuple[Template, ...]:
    """Return the templates, which replace ``copy``, ``drop`` and ``fields``."""
    if "items" not in cursor:
        return ()
    for key in ("copy", "drop", "fields"):
        if key in cursor:
            message = f"{key} describes a single target item; items describes several"
            hint = f"move {key} into a template of items"
            cursor[key].error(Rule.NOT_TOGETHER, message, hint=hint, at="key")
    return tuple(_template(entry) for entry in cursor.entries("items") if entry.sound())


def _template(cursor: Cursor) -> Template:
    if "as" in cursor and "each" not in cursor:
        message = "as has no effect without each"
        cursor["as"].warn(Rule.NO_EFFECT, message, hint="remove it, or write each")
    return Template(
        where=_expression(cursor, "where"),
        each=_expression(cursor, "each"),
        bind=cursor.get("as", "each"),
        copy=_copy(cursor, "none"),
        drop=check_names(cursor.entries("drop")),
        fields=_fields(cursor),
    )


def _expression(cursor: Cursor, key: str) -> Expression | None:
    return cursor[key].expression() if key in cursor else None


def _copy(
    cursor: Cursor, default: Literal["all", "none"]
) -> Literal["all", "none"] | tuple[str, ...]:
    value: Literal["all", "none"] | list[str] = cursor.get("copy", default)
    return check_names(cursor.entries("copy")) if isinstance(value, list) else value


def _functions(cursor: Cursor) -> Functions | None:
    if "functions" not in cursor:
        return None
    path = check_inside(cursor["functions"])
    if not path.endswith(".py"):
        message = f"functions must be a Python file (.py); found {shown(path)}"
        cursor["functions"].error(Rule.PATH_OUTSIDE, message)
    return Functions(file=path)


def _fields(cursor: Cursor) -> tuple[Field, ...]:
    if "fields" not in cursor:
        return ()
    return tuple(_field(name, field) for name, field in cursor["fields"].items() if field.sound())


def _field(name: str, cursor: Cursor) -> Field:
    if not is_attribute_name(name):
        message = "an attribute's name is 1 to 65,535 bytes of UTF-8"
        cursor.error(Rule.BAD_NAME, message, at="key")
    if isinstance(cursor.value, str):
        return Field(name=name, expression=cursor.expression())
    if "default" in cursor and cursor.get("required"):
        message = "required has no effect next to default"
        cursor["required"].warn(Rule.NO_EFFECT, message, hint="remove one of them")
    return Field(
        name=name,
        expression=cursor["from"].expression(),
        type=cursor.get("type"),
        required=cursor.get("required", False),
        default=_default(cursor) if "default" in cursor else None,
    )


def _default(cursor: Cursor) -> Mapping[str, Any] | None:
    """Return the typed default, which must have the field's type."""
    default = cursor["default"]
    try:
        typed = to_typed(default.value)
    except ValueFaultError as fault:
        place = Cursor(None, (*default.path, *fault.path), cursor.findings)
        place.error(Rule.BAD_VALUE, f"{dotted(place.path[3:])}: {fault}")
        return None
    (found,) = typed
    expected = cursor.get("type")
    if expected not in {None, found}:
        hint = "quote it" if expected == "S" and found in {"N", "BOOL", "NULL"} else None
        message = f"the field is of type {expected}; its default is of type {found}"
        default.error(Rule.TYPE_CONFLICT, message, hint=hint)
    return typed


def _collisions(cursor: Cursor) -> Literal["refuse"] | Winner:
    if not isinstance(cursor.get("collisions"), dict):
        return "refuse"
    ((take, by),) = cursor["collisions"].items()
    return Winner(take="latest" if take == "latest" else "first", by=by.expression())
