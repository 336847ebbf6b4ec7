"""What happened to a table after it left its template."""

import pytest

from retable.runner.cdk.removal import after_removal
from retable.runner.table.settings import TableDescription
from retable.schema.spec import Indexes, KeyAttribute, KeySchema


@pytest.mark.parametrize(
    ("status", "table_id", "policy", "after"),
    [
        (None, "", "Delete", "gone"),
        (None, "", "Retain", "gone"),
        ("DELETING", "old", "Delete", "deleting"),
        ("DELETING", "old", "Retain", "deleting"),
        ("ACTIVE", "old", "Retain", "retained"),
        ("ACTIVE", "old", "RetainExceptOnCreate", "retained"),
        ("ACTIVE", "old", "Delete", "left"),
        ("UPDATING", "old", "Delete", "left"),
        ("ACTIVE", "new", "Delete", "another"),
        ("DELETING", "new", "Retain", "another"),
        ("ACTIVE", None, "Retain", "another"),
    ],
)
def test_the_table_and_its_id_show_what_happened(
    status: str | None, table_id: str | None, policy: str, after: str
) -> None:
    found = None if status is None else _described(status, table_id)
    assert after_removal(found, "old", policy) == after


def _described(status: str, table_id: str | None) -> TableDescription:
    return TableDescription(
        name="orders",
        arn="arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
        table_id=table_id,
        status=status,
        key=KeySchema(partition=KeyAttribute("id", "S")),
        indexes=Indexes(),
        billing="on-demand",
        deletion_protection=False,
        stream=None,
        table_class=None,
        sse=None,
        replicas=(),
        item_count=0,
        size_bytes=0,
    )
