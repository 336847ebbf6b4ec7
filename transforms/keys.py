"""DynamoDB's rules for key attributes: those of the table, and those of its indexes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn

from retable.schema.reasons import Reason
from retable.schema.spec import Indexes, KeyAttribute, KeySchema
from retable.transforms.fault import ItemFaultError, shown
from retable.transforms.judge import Typed
from retable.transforms.size import value_size

MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024
"""Both are DynamoDB's limits on the value of a table's key attribute."""


@dataclass(frozen=True, slots=True)
class KeyRule:
    """The rule for one key attribute of the table."""

    attribute: KeyAttribute
    role: str
    """``partition key`` or ``sort key``."""
    limit: int

    def check(self, typed: Typed | None) -> Typed:
        """Return the attribute's value if it can be a key.

        Raises:
            ItemFaultError: it is absent, of another type, empty or too long.
        """
        name, expected = self.attribute.name, self.attribute.type
        if typed is None:
            self._refuse(Reason.MISSING_KEY, "is absent")
        ((kind, value),) = typed.items()
        if kind != expected:
            self._refuse(Reason.WRONG_KEY_TYPE, f"must be of type {expected}, not {kind}")
        if kind == "N":
            return typed
        if not value:
            self._refuse(Reason.EMPTY_KEY, "is empty")
        size = value_size(typed)
        if size > self.limit:
            detail = f"has {size:,} bytes; a {self.role} has at most {self.limit:,}"
            raise ItemFaultError(Reason.KEY_TOO_LONG, f"key attribute {shown(name)} {detail}")
        return typed

    def _refuse(self, reason: Reason, detail: str) -> NoReturn:
        raise ItemFaultError(reason, f"key attribute {shown(self.attribute.name)} {detail}")


@dataclass(frozen=True, slots=True)
class IndexRule:
    """The rule for one key attribute of an index; it may be absent."""

    attribute: KeyAttribute
    index: str

    def check(self, item: Mapping[str, Typed]) -> None:
        """Refuse an item that does not fit the index; DynamoDB would refuse the whole item.

        Raises:
            ItemFaultError: the attribute has another type, or is empty.
        """
        typed = item.get(self.attribute.name)
        if typed is None:
            return
        ((kind, value),) = typed.items()
        where = f"attribute {shown(self.attribute.name)}, a key of index {shown(self.index)}"
        if kind != self.attribute.type:
            detail = f"{where}, must be of type {self.attribute.type}, not {kind}"
            raise ItemFaultError(Reason.WRONG_INDEX_KEY_TYPE, detail)
        if not value:
            raise ItemFaultError(Reason.EMPTY_INDEX_KEY, f"{where}, is empty")


def key_rules(key: KeySchema) -> tuple[KeyRule, ...]:
    """Return the rules for a table's key, partition key first."""
    rules = [KeyRule(key.partition, "partition key", MAX_PARTITION_KEY_BYTES)]
    if key.sort is not None:
        rules.append(KeyRule(key.sort, "sort key", MAX_SORT_KEY_BYTES))
    return tuple(rules)


def index_rules(indexes: Iterable[Indexes]) -> tuple[IndexRule, ...]:
    """Return the rules for the keys of all ``indexes``, once per attribute and type."""
    found: dict[KeyAttribute, IndexRule] = {}
    for group in indexes:
        for index in (*group.global_, *group.local):
            for attribute in (*index.partition, *index.sort):
                found.setdefault(attribute, IndexRule(attribute, index.name))
    return tuple(found.values())
