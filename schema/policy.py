"""Resource policies: what can be checked in one from its own text.

Which resources a policy may name depends on the ARN of its table, which a spec does not contain;
the runner checks that. Only the service knows whether a principal exists.

Source: "Grammar of the IAM JSON policy language" (IAM User Guide), plus the Principal that a
resource policy needs; the size limit is from DynamoDB's "Resource-based policy considerations".
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from retable.schema.limits import MAX_POLICY_BYTES
from retable.schema.spec import SpecPath
from retable.schema.wording import choices, kind, shown

VERSIONS = ("2012-10-17", "2008-10-17")
EFFECTS = ("Allow", "Deny")
POLICY_ELEMENTS = frozenset(["Version", "Id", "Statement"])
NEEDED = (("Principal", "NotPrincipal"), ("Action", "NotAction"))
RESOURCES = ("Resource", "NotResource")
STATEMENT_ELEMENTS = frozenset(["Sid", "Effect", "Condition", *NEEDED[0], *NEEDED[1], *RESOURCES])
PRINCIPALS = frozenset(["AWS", "CanonicalUser", "Federated", "Service"])

Fault = tuple[SpecPath, str]
"""The path to a value inside the policy, and what is wrong there."""


def policy_text(policy: Mapping[str, Any]) -> str:
    """Return ``policy`` as the JSON text to put on a table, where white space counts too."""
    # IAM compares condition values as strings; Python's JSON has no exact decimals.
    return json.dumps(policy, sort_keys=True, separators=(",", ":"), default=str)


def statements_of(policy: Mapping[str, Any]) -> list[tuple[SpecPath, Any]]:
    """Return each statement and its path; a single one needs no list."""
    found = policy.get("Statement")
    if isinstance(found, list):
        return [(("Statement", index), one) for index, one in enumerate(found)]
    return [] if found is None else [(("Statement",), found)]


def texts_of(value: Any) -> list[Any]:
    """Return the members of an element that may be one string or a list of strings."""
    return value if isinstance(value, list) else [value]


def size_faults(text: str) -> Iterator[Fault]:
    """Yield a fault if ``text`` is larger than a policy may be."""
    size = len(text.encode())
    if size > MAX_POLICY_BYTES:
        yield (), f"a policy has {MAX_POLICY_BYTES:,} bytes at most; found {size:,}"


def policy_faults(policy: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield everything that is wrong with the form of ``policy``."""
    yield from _unknown(policy, POLICY_ELEMENTS, "a policy")
    if policy.get("Version", VERSIONS[0]) not in VERSIONS:
        message = f"the Version of the policy language is {choices(VERSIONS)}"
        yield ("Version",), f"{message}; found {shown(policy['Version'])}"
    statements = statements_of(policy)
    if not statements:
        yield (), "a policy needs a Statement with at least one statement"
    for path, statement in statements:
        for inner, message in _statement_faults(statement):
            yield (*path, *inner), message


def _statement_faults(statement: Any) -> Iterator[Fault]:
    if not isinstance(statement, dict):
        yield (), f"a statement is a mapping; found {kind(statement)}"
        return
    yield from _unknown(statement, STATEMENT_ELEMENTS, "a statement")
    if "Effect" not in statement:
        yield (), f"a statement needs an Effect, {choices(EFFECTS)}"
    elif statement["Effect"] not in EFFECTS:
        message = f"an Effect is {choices(EFFECTS)}; found {shown(statement['Effect'])}"
        yield ("Effect",), message
    for pair in NEEDED:
        if not any(name in statement for name in pair):
            yield (), f"a statement needs {choices(pair)}"
    for pair in (*NEEDED, RESOURCES):
        if all(name in statement for name in pair):
            yield (pair[1],), f"a statement has {choices(pair)}, not both"
    for name in sorted(STATEMENT_ELEMENTS & statement.keys()):
        for path, message in _element_faults(name, statement[name]):
            yield (name, *path), message


def _element_faults(name: str, value: Any) -> Iterator[Fault]:
    """Yield what is wrong with the form of one element of a statement."""
    if name in NEEDED[0]:
        yield from _principal_faults(name, value)
    elif name in {*NEEDED[1], *RESOURCES} and not _is_texts(value):
        yield (), f"{name} is a string or a list of strings"
    elif name == "Sid" and not isinstance(value, str):
        yield (), f"a Sid is a string; found {kind(value)}"
    elif name == "Condition" and not _is_condition(value):
        yield (), "a Condition maps operators to mappings of condition keys"


def _principal_faults(name: str, value: Any) -> Iterator[Fault]:
    if value == "*":
        return
    if not isinstance(value, dict) or not value:
        yield (), f'{name} is "*" or a mapping such as {{AWS: "111122223333"}}'
        return
    yield from _unknown(value, PRINCIPALS, name)
    for own in sorted(PRINCIPALS & value.keys()):
        if not _is_texts(value[own]):
            yield (own,), f"{name}.{own} is a string or a list of strings"


def _is_texts(value: Any) -> bool:
    members = texts_of(value)
    return bool(members) and all(isinstance(one, str) and one for one in members)


def _is_condition(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(keys, dict) for keys in value.values())


def _unknown(found: Mapping[str, Any], known: frozenset[str], what: str) -> Iterator[Fault]:
    for name in sorted(found.keys() - known):
        yield (name,), f"{what} has {choices(sorted(known), 'and')}; found {shown(name)}"
