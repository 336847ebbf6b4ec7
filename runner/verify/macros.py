"""SQL macros over DynamoDB JSON, with which a query reads an item.

They read attributes by a dotted path: ``customer.id``, ``lines[0].price``; a backslash before a
dot, a bracket or a backslash makes it part of a name. ``spec_queries`` runs the queries.

- ``string``, ``number``, ``flag`` give the value of an S, N or BOOL attribute; an attribute that is
  absent or NULL gives null, one of another type is an error, since null would let a check pass
  without checking anything. Check ``type_of`` first: ``case when type_of(item, 'a') = 'N' then …``.
- ``number`` gives ``decimal(38, 9)``: exact, up to 29 digits before the point and 9 after it. A
  number that does not fit is an error, never rounded; ``number_text`` gives its digits.
- ``list`` gives the elements of a list as DynamoDB JSON, those of a set as JSON strings.
- ``attribute`` gives the whole value as DynamoDB JSON, ``type_of`` its type (``'S'``, ``'M'`` …).
"""

WRONG_TYPE = "{}(): an attribute has another type; check type_of() first, or read attribute()"
DOES_NOT_FIT = "number(): a number has more digits than decimal(38, 9) holds; use number_text()"
NOT_BROKEN_DOWN = ("string", "number", "flag", "list")
"""The macros that require a type."""
MESSAGES = frozenset([DOES_NOT_FIT, *(WRONG_TYPE.format(name) for name in NOT_BROKEN_DOWN)])
"""Every error of a macro. None of them holds a value."""

# A path becomes a JSON Pointer below the item: customer.id -> /customer/M/id. Escaped characters
# are replaced by control characters meanwhile, which attribute names are unlikely to hold.
POINTER = r"""create macro pointer_of(path) as '/' || replace(replace(replace(
  regexp_replace(
    replace(replace(replace(replace(replace(replace(path,
      '\\', chr(1)), '\.', chr(2)), '\[', chr(3)), '~', '~0'), '/', '~1'), '.', '/M/'),
    '\[(\d+)\]', '/L/\1', 'g'),
  chr(1), '\'), chr(2), '.'), chr(3), '[')"""
ATTRIBUTE = "create macro attribute(item, path) as json_extract(item, pointer_of(path))"
TYPE_OF = "create macro type_of(item, path) as json_keys(attribute(item, path))[1]"
NUMBER = rf"""create macro number(item, path) as case
  when number_text(item, path) is null then null
  when regexp_full_match(number_text(item, path), '-?\d{{1,29}}(\.\d{{1,9}})?')
    then number_text(item, path)::decimal(38, 9)
  else error('{DOES_NOT_FIT}') end"""
LIST = f"""create macro list(item, path) as case type_of(item, path)
  when 'L' then json_extract(item, pointer_of(path) || '/L')::json[]
  when 'SS' then json_extract(item, pointer_of(path) || '/SS')::json[]
  when 'NS' then json_extract(item, pointer_of(path) || '/NS')::json[]
  when 'BS' then json_extract(item, pointer_of(path) || '/BS')::json[]
  when 'NULL' then null
  else if(type_of(item, path) is null, null, error('{WRONG_TYPE.format("list")}')) end"""


def _scalar(macro: str, name: str, kind: str) -> str:
    """Return the macro ``macro`` for an attribute of type ``kind``; errors call it ``name``."""
    return f"""create macro {macro}(item, path) as case type_of(item, path)
  when '{kind}' then json_extract_string(item, pointer_of(path) || '/{kind}')
  when 'NULL' then null
  else if(type_of(item, path) is null, null, error('{WRONG_TYPE.format(name)}')) end"""


MACROS = (
    POINTER,
    ATTRIBUTE,
    TYPE_OF,
    _scalar("string", "string", "S"),
    _scalar("number_text", "number", "N"),
    NUMBER,
    _scalar("flag_text", "flag", "BOOL"),
    "create macro flag(item, path) as flag_text(item, path)::boolean",
    LIST,
)
"""In the order in which they build on each other."""
