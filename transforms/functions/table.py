"""The one list of functions: name, parameters, implementation, summary.

``any[]`` is any array, ``number[]`` one of numbers only; ``name?`` is optional; ``...name``
takes every argument from there on. The first part is JMESPath's own; the string and object
functions are named and defined as in JMESPath Community, if it has them.
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
        "whether the array contains the element, or the string the substring",
    ),
    (
        "ends_with(subject: string, suffix: string) -> boolean",
        text.ends_with,
        "whether the string ends with the suffix",
    ),
    ("floor(value: number) -> number", numbers.floor, "the next whole number downwards"),
    (
        "join(glue: string, strings: string[]) -> string",
        text.join,
        "the strings joined with the glue between them",
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
        "the result of the expression for each element",
    ),
    ("max(values: number[] | string[]) -> any", arrays.greatest, "the greatest value, or null"),
    (
        "max_by(elements: any[], by: expression) -> any",
        arrays.max_by,
        "the element with the greatest result of the expression",
    ),
    (
        "merge(...objects: object) -> object",
        arrays.merge,
        "one object; the last value of a key wins",
    ),
    ("min(values: number[] | string[]) -> any", arrays.least, "the smallest value, or null"),
    (
        "min_by(elements: any[], by: expression) -> any",
        arrays.min_by,
        "the element with the smallest result of the expression",
    ),
    ("not_null(...candidates: any) -> any", arrays.not_null, "the first that is not null"),
    (
        "reverse(subject: string | any[]) -> string | any[]",
        arrays.reverse,
        "the string or array reversed",
    ),
    (
        "sort(values: string[] | number[]) -> any[]",
        arrays.sort,
        "the strings or numbers in ascending order",
    ),
    (
        "sort_by(elements: any[], by: expression) -> any[]",
        arrays.sort_by,
        "the elements sorted by the result of the expression",
    ),
    (
        "starts_with(subject: string, prefix: string) -> boolean",
        text.starts_with,
        "whether the string starts with the prefix",
    ),
    ("sum(numbers: number[]) -> number", numbers.total, "the exact sum"),
    (
        "to_array(value: any) -> any[]",
        arrays.to_array,
        "an array unchanged, else an array of the value",
    ),
    ("to_number(value: any) -> number | null", numbers.to_number, "the value as a number, or null"),
    (
        "to_string(value: any) -> string",
        conversions.to_string,
        "a string unchanged, else compact JSON",
    ),
    ("type(value: any) -> string", conversions.type_, "JMESPath's name of the value's type"),
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
        "the exact remainder, with the sign of the left number",
    ),
    (
        "round(value: number, places?: number) -> number",
        numbers.round_,
        "the number rounded to that many places (0), half to even",
    ),
    (
        "format_number(value: number, places: number, width?: number) -> string",
        numbers.format_number,
        "the number with exactly that many places, zero-padded to the width",
    ),
    ("lower(subject: string) -> string", text.lower, "the string in lowercase"),
    ("upper(subject: string) -> string", text.upper, "the string in uppercase"),
    (
        "trim(subject: string, chars?: string) -> string",
        text.trim,
        "the string without white space, or those characters, at both ends",
    ),
    (
        "trim_left(subject: string, chars?: string) -> string",
        text.trim_left,
        "the same at the start only",
    ),
    (
        "trim_right(subject: string, chars?: string) -> string",
        text.trim_right,
        "the same at the end only",
    ),
    (
        "pad_left(subject: string, width: number, pad?: string) -> string",
        text.pad_left,
        "the string padded on the left with a character (a space)",
    ),
    (
        "pad_right(subject: string, width: number, pad?: string) -> string",
        text.pad_right,
        "the string padded on the right with a character (a space)",
    ),
    (
        "split(subject: string, search: string, count?: number) -> string[]",
        text.split,
        "the parts between the separator; single characters if it is empty",
    ),
    (
        "replace(subject: string, old: string, new: string, count?: number) -> string",
        text.replace,
        "the string with one substring replaced by another",
    ),
    (
        "find_first(subject: string, sub: string, start?: number, end?: number) -> number | null",
        text.find_first,
        "the first position of a substring, from 0, or null",
    ),
    (
        "find_last(subject: string, sub: string, start?: number, end?: number) -> number | null",
        text.find_last,
        "the last position of a substring, from 0, or null",
    ),
    (
        "substring(subject: string, start: number, end?: number) -> string",
        text.substring,
        "the characters from a position up to another; negative positions count from the end",
    ),
    (
        "concat(...parts: string | any[]) -> string | any[]",
        arrays.concat,
        "strings, or arrays, concatenated",
    ),
    ("items(subject: object) -> any[]", arrays.items, "the object as pairs of key and value"),
    (
        "from_items(pairs: any[]) -> object",
        arrays.from_items,
        "an object of the pairs of key and value",
    ),
    (
        "zip(...arrays: any[]) -> any[]",
        arrays.zip_,
        "arrays of the first elements, the second, and so on",
    ),
    (
        "group_by(elements: any[], by: expression) -> object",
        arrays.group_by,
        "the elements grouped by the string the expression returns",
    ),
    ("to_set(elements: any[]) -> any[] | null", arrays.to_set, "a DynamoDB set of the elements"),
    (
        "to_binary(text: string, encoding?: string) -> string",
        conversions.to_binary,
        "binary from a base64, hex or utf-8 string",
    ),
    ("sha256(text: string) -> string", conversions.sha256_, "SHA-256 of the UTF-8 bytes, in hex"),
    ("md5(text: string) -> string", conversions.md5_, "MD5 of the UTF-8 bytes, in hex"),
    (
        "uuid5(namespace: string, name: string) -> string",
        conversions.uuid5,
        "the name's UUID within a namespace: a UUID, or dns, url, oid, x500",
    ),
    (
        "epoch_to_iso(epoch: number, unit?: string) -> string",
        dates.epoch_to_iso,
        "the instant in UTC, such as 2026-01-02T08:00:00Z; the unit is s, ms or us",
    ),
    (
        "iso_to_epoch(text: string, unit?: string) -> number",
        dates.iso_to_epoch,
        "the instant of an ISO 8601 string with a zone, in s, ms or us",
    ),
    (
        "format_time(epoch: number, format: string, zone: string, unit?: string) -> string",
        times.format_time,
        "the instant in a format such as %Y-%m-%d %H:%M, in UTC, +01:00 or Europe/Berlin",
    ),
    (
        "parse_time(text: string, format: string, zone?: string | null, unit?: string) -> number",
        times.parse_time,
        "the instant of a string in that format; the zone is an argument, or %z in the format",
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
