"""``docs/functions.md``, made from the table of functions. Every result on it was computed."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from retable.transforms import compile_expression
from retable.transforms.functions.conversions import to_string
from retable.transforms.functions.table import FUNCTIONS
from retable.transforms.item_outcome import Kept, Outcome, Rejected
from support.mapping_specs import field, line, mapping

HEAD = """\
# Functions

What expressions may call. The first part is JMESPath's own; the second follows JMESPath Community
where that has the function, and adds what a new key needs. This page is made from the program's own
table of functions, and every result on it was computed by the program.

Numbers are decimals and nothing is lost: sums and products are exact, quotients have 38 digits,
half to even. A result outside DynamoDB's range rejects the item with the reason
`number-out-of-range`. Text is measured in characters; hashes are of its UTF-8. A wrong type or
value rejects the item with the reason `expression-error`, and the detail names the function.

`number[]` is an array of numbers only; `name?` may be left out; `...name` takes all that follow.
"""
OWN = """
## Functions of your own

A Python file beside the spec, named by `transform.functions`, may declare more:

```python
from retable.transforms import function


@function("tier(total: number) -> string")
def tier(total):
    \"\"\"Return the tier of an order by its total.\"\"\"
    return "gold" if total >= 500 else "plain"
```

Numbers arrive as `Decimal`, text and binary (as base64) as `str`, lists and sets as `list`, maps as
`dict`, null as `None`; the same may be given back, and `int`. A float is refused: it is not exact.
What a function raises rejects the item; the detail names the function and the class of the error,
never a value. A function must be pure. `migrate lint` reads the declarations without running the
file; `test`, `plan`, `run` and `verify` run it only with `--allow-functions`, pytest only with the
ini option `migrate_allow_functions = true`. The file's hash is part of the plan.
"""
EXAMPLES = """
abs(`-1.50`)
avg([`1`, `2`, `4`])
ceil(`1.2`)
contains('order', 'de')
ends_with('order', 'er')
floor(`-1.2`)
join('#', ['2026-01-02', '7'])
keys({b: `1`, a: `2`})
length('été')
map(&qty, [{qty: `1`}, {qty: `2`}])
max([`1`, `3`, `2`])
max_by([{n: `1`}, {n: `2`}], &n)
merge({a: `1`}, {a: `2`, b: `3`})
min(['b', 'a'])
min_by([{n: `1`}, {n: `2`}], &n)
not_null(`null`, 'a', 'b')
reverse('abc')
sort(['b', 'a', 'C'])
sort_by([{n: `2`}, {n: `1`}], &n)
starts_with('order', 'or')
sum([`0.1`, `0.2`])
to_array('a')
to_number('99999999999999999999.5')
to_string({a: [`1.50`, `true`]})
type(`1`)
values({b: `1`, a: `2`})
add(`0.1`, `0.2`)
subtract(`1`, `0.9`)
multiply(`12.34`, `100`)
divide(`1`, `3`)
modulo(`-7`, `3`)
round(`2.345`, `2`)
format_number(`7.5`, `2`, `8`)
lower('ÄB')
upper('straße')
trim('  a ')
trim_left('00070', '0')
trim_right('70.00', '0')
pad_left('7', `3`, '0')
pad_right('7', `3`, '.')
split('a#b#c', '#', `1`)
replace('a-b-c', '-', '/')
find_first('a#b#c', '#')
find_last('a#b#c', '#')
substring('abcdef', `1`, `-1`)
concat('a', 'b', 'c')
items({a: `1`})
from_items([['a', `1`]])
zip(['a', 'b'], [`1`, `2`])
group_by([{t: 'x', n: `1`}, {t: 'y', n: `2`}], &t)
to_set(['b', 'a', 'b'])
to_binary('00ff', 'hex')
sha256('é')
md5('é')
uuid5('dns', 'example.org')
epoch_to_iso(`1767340800`)
iso_to_epoch('2026-01-02T09:00:00+01:00', 'ms')
format_time(`1767340800`, '%d.%m.%Y %H:%M', 'Europe/Berlin')
parse_time('02.01.2026 09:00', '%d.%m.%Y %H:%M', 'Europe/Berlin')
""".strip().splitlines()
TYPED: dict[str, Any] = {
    "id": {"S": "1"},
    "set": {"SS": ["b", "a"]},
    "numbers": {"NS": ["10", "9.50"]},
    "binary": {"B": "AAH/"},
    "none": {"NULL": True},
}
ON_TYPES = """
type(set)
length(set)
contains(set, 'a')
sort(set)
reverse(set)
join(',', set)
max(numbers)
sum(numbers)
to_string(set)
to_array(set)
set[0]
set == ['a', 'b']
not_null(missing, set)
type(binary)
length(binary)
contains(binary, 'AA')
to_string(binary)
reverse(binary)
starts_with(binary, 'AA')
not_null(missing, binary)
type(none)
not_null(none, 'x')
to_string(none)
to_array(none)
length(none)
""".strip().splitlines()


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *_tables(), *_types(), OWN.strip(), ""])


def _tables() -> Iterator[str]:
    examples = {text.partition("(")[0]: text for text in EXAMPLES}
    for title, standard in (("JMESPath's own", True), ("Further functions", False)):
        yield f"## {title}\n"
        yield "| function | gives | example | result |\n| --- | --- | --- | --- |"
        for function in FUNCTIONS.values():
            if function.standard is standard:
                text = examples[function.name]
                given = f"`{function.signature}`".replace("|", "\\|")
                yield f"| {given} | {function.summary} | {_code(text)} | {_code(_plain(text))} |"
        yield ""


def _types() -> Iterator[str]:
    yield "## DynamoDB's own types\n"
    yield "A set is an array in canonical order, binary is base64 text, `{NULL: true}` is null;"
    yield "a value that is passed through keeps its type. Over this item:\n"
    yield f"```json\n{json.dumps(TYPED)}\n```\n"
    yield "| expression | becomes |\n| --- | --- |"
    for text in ON_TYPES:
        made = mapping(field("made", text), copy=("id",)).apply(line(TYPED))
        yield f"| {_code(text)} | {_code(_typed(made))} |"
    yield ""


def _plain(text: str) -> str:
    value = compile_expression(text).search([Decimal(1)])
    written = to_string(value)
    return json.dumps(written, ensure_ascii=False) if isinstance(value, str) else written


def _typed(outcome: Outcome) -> str:
    if isinstance(outcome, Rejected):
        return f"{outcome.reason.value}: {outcome.detail}"
    assert isinstance(outcome, Kept)
    made = json.loads(outcome.results[0].item_json).get("made")
    return "absent" if made is None else json.dumps(made)


def _code(text: str) -> str:
    ticks = "``" if "`" in text else "`"
    space = " " if "`" in text else ""
    escaped = text.replace("|", "\\|")
    return f"{ticks}{space}{escaped}{space}{ticks}"
