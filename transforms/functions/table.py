"""The one list of functions: what each is called, what it takes, what runs it, what it does.

``any[]`` is any array, ``number[]`` one of numbers only; ``name?`` may be left out; ``...name``
takes every argument from there on. The first part is JMESPath's own; names and meaning of the text
and object functions are those of JMESPath Community, where it has them.
"""

from retable.transforms.functions import arrays, conversions, dates, numbers, text, times
from retable.transforms.functions.signature import Function, define

_STANDARD = (
    ("abs(value: number) -> number", numbers.absolute, "the number without its sign"),
    ("avg(numbers: number[]) -> number | null", numbers.average, "the mean, to 38 digits"),
    ("ceil(value: number) -> number", numbers.ceiling, "the next whole number upwards"),
    (
        "contains(subject: any[] | string, search: any) -> boolean",
        arrays.contains,
        "whether the array has the element, or the text the text",
    ),
    (
        "ends_with(subject: string, suffix: string) -> boolean",
        text.ends_with,
        "whether the text ends so",
    ),
    ("floor(value: number) -> number", numbers.floor, "the next whole number downwards"),
    (
        "join(glue: string, strings: string[]) -> string",
        text.join,
        "the texts with the glue between each two",
    ),
    ("keys(subject: object) -> string[]", arrays.keys, "the object's keys"),
    (
        "length(subject: string | any[] | object) -> number",
        arrays.length,
        "how many characters, elements or keys",
    ),
    (
        "map(by: expression, elements: any[]) -> any[]",
        arrays.map_,
        "what the expression gives for each element",
    ),
    ("max(values: number[] | string[]) -> any", arrays.greatest, "the greatest, or null"),
    (
        "max_by(elements: any[], by: expression) -> any",
        arrays.max_by,
        "the element for which the expression gives the most",
    ),
    ("merge(...objects: object) -> object", arrays.merge, "one object; the last of a key counts"),
    ("min(values: number[] | string[]) -> any", arrays.least, "the least, or null"),
    (
        "min_by(elements: any[], by: expression) -> any",
        arrays.min_by,
        "the element for which the expression gives the least",
    ),
    ("not_null(...candidates: any) -> any", arrays.not_null, "the first that is not null"),
    (
        "reverse(subject: string | any[]) -> string | any[]",
        arrays.reverse,
        "the text or array the other way round",
    ),
    (
        "sort(values: string[] | number[]) -> any[]",
        arrays.sort,
        "the texts or numbers in order",
    ),
    (
        "sort_by(elements: any[], by: expression) -> any[]",
        arrays.sort_by,
        "the elements in the order the expression gives",
    ),
    (
        "starts_with(subject: string, prefix: string) -> boolean",
        text.starts_with,
        "whether the text begins so",
    ),
    ("sum(numbers: number[]) -> number", numbers.total, "the exact sum"),
    ("to_array(value: any) -> any[]", arrays.to_array, "an array as it is, else one of the value"),
    ("to_number(value: any) -> number | null", numbers.to_number, "the number a text writes"),
    (
        "to_string(value: any) -> string",
        conversions.to_string,
        "a text as it is, else compact JSON",
    ),
    ("type(value: any) -> string", conversions.type_, "what JMESPath calls the value's type"),
    ("values(subject: object) -> any[]", arrays.values, "the object's values"),
)
_FURTHER = (
    ("add(left: number, right: number) -> number", numbers.add, "the exact sum"),
    ("subtract(left: number, right: number) -> number", numbers.subtract, "the exact difference"),
    ("multiply(left: number, right: number) -> number", numbers.multiply, "the exact product"),
    (
        "divide(left: number, right: number) -> number",
        numbers.divide,
        "the quotient, to 38 digits, half to even",
    ),
    (
        "modulo(left: number, right: number) -> number",
        numbers.modulo,
        "the exact remainder, with the sign of the first",
    ),
    (
        "round(value: number, places?: number) -> number",
        numbers.round_,
        "the number with so many places (0), half to even",
    ),
    (
        "format_number(value: number, places: number, width?: number) -> string",
        numbers.format_number,
        "the number with exactly so many places, zeros in front up to the width",
    ),
    ("lower(subject: string) -> string", text.lower, "the text in small letters"),
    ("upper(subject: string) -> string", text.upper, "the text in capitals"),
    (
        "trim(subject: string, chars?: string) -> string",
        text.trim,
        "the text without white space, or those characters, at its ends",
    ),
    (
        "trim_left(subject: string, chars?: string) -> string",
        text.trim_left,
        "the same at the beginning only",
    ),
    (
        "trim_right(subject: string, chars?: string) -> string",
        text.trim_right,
        "the same at the end only",
    ),
    (
        "pad_left(subject: string, width: number, pad?: string) -> string",
        text.pad_left,
        "the text filled up in front with a character (a space)",
    ),
    (
        "pad_right(subject: string, width: number, pad?: string) -> string",
        text.pad_right,
        "the text filled up behind with a character (a space)",
    ),
    (
        "split(subject: string, search: string, count?: number) -> string[]",
        text.split,
        "the parts between a text; single characters where that is empty",
    ),
    (
        "replace(subject: string, old: string, new: string, count?: number) -> string",
        text.replace,
        "the text with one text in place of another",
    ),
    (
        "find_first(subject: string, sub: string, start?: number, end?: number) -> number | null",
        text.find_first,
        "where a text lies first, from 0, or null",
    ),
    (
        "find_last(subject: string, sub: string, start?: number, end?: number) -> number | null",
        text.find_last,
        "where a text lies last, from 0, or null",
    ),
    (
        "substring(subject: string, start: number, end?: number) -> string",
        text.substring,
        "the characters from a place up to another; negative places count from the end",
    ),
    (
        "concat(...parts: string | any[]) -> string | any[]",
        arrays.concat,
        "texts, or arrays, one after the other",
    ),
    ("items(subject: object) -> any[]", arrays.items, "the object as pairs of key and value"),
    (
        "from_items(pairs: any[]) -> object",
        arrays.from_items,
        "the object that pairs of key and value make",
    ),
    (
        "zip(...arrays: any[]) -> any[]",
        arrays.zip_,
        "arrays of the first elements, the second, and so on",
    ),
    (
        "group_by(elements: any[], by: expression) -> object",
        arrays.group_by,
        "the elements under the text the expression gives for each",
    ),
    ("to_set(elements: any[]) -> any[] | null", arrays.to_set, "a DynamoDB set of the elements"),
    (
        "to_binary(text: string, encoding?: string) -> string",
        conversions.to_binary,
        "binary from base64 text, or from hex or utf-8",
    ),
    ("sha256(text: string) -> string", conversions.sha256_, "SHA-256 of the UTF-8, in hex"),
    ("md5(text: string) -> string", conversions.md5_, "MD5 of the UTF-8, in hex"),
    (
        "uuid5(namespace: string, name: string) -> string",
        conversions.uuid5,
        "the name's UUID within a namespace: a UUID, or dns, url, oid, x500",
    ),
    (
        "epoch_to_iso(epoch: number, unit?: string) -> string",
        dates.epoch_to_iso,
        "the instant in UTC, as 2026-01-02T08:00:00Z; the unit is s, ms or us",
    ),
    (
        "iso_to_epoch(text: string, unit?: string) -> number",
        dates.iso_to_epoch,
        "the instant that text with a zone writes, in s, ms or us",
    ),
    (
        "format_time(epoch: number, format: string, zone: string, unit?: string) -> string",
        times.format_time,
        "the instant as a format such as %Y-%m-%d %H:%M writes it in UTC, +01:00 or Europe/Berlin",
    ),
    (
        "parse_time(text: string, format: string, zone?: string | null, unit?: string) -> number",
        times.parse_time,
        "the instant that text of a format writes; the zone is given, or in the text as %z",
    ),
)

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        *(define(signature, run, summary, standard=True) for signature, run, summary in _STANDARD),
        *(define(signature, run, summary) for signature, run, summary in _FURTHER),
    )
}
"""Every function by its name."""
