"""Worlds to plan in, made by hand."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retable.runner.export.manifest import Export
from retable.runner.planning.observe import Observed
from retable.runner.table.settings import TableDescription, TableSettings
from retable.schema.spec import Indexes, KeyAttribute, KeySchema

ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
TABLE_ID = "3f0c9d52-8a55-4f7e-9f0b-1d2c3b4a5968"


def description(**changes: Any) -> TableDescription:
    """Return the description of a table ``orders`` keyed by ``order_id``."""
    plain = TableDescription(
        name="orders",
        arn=ARN,
        table_id=TABLE_ID,
        status="ACTIVE",
        key=KeySchema(partition=KeyAttribute("order_id", "S")),
        indexes=Indexes(),
        billing="on-demand",
        deletion_protection=False,
        stream=None,
        table_class=None,
        sse=None,
        replicas=(),
        item_count=41,
        size_bytes=4100,
    )
    return replace(plain, **changes)


def settings(described: TableDescription | None = None, **changes: Any) -> TableSettings:
    """Return settings of that table, with PITR on and nothing else."""
    plain = TableSettings(
        description=described or description(),
        ttl=None,
        pitr=True,
        pitr_days=35,
        tags={},
        policy=None,
        unkept=(),
    )
    return replace(plain, **changes)


def observed(source: TableSettings | None = None, **changes: Any) -> Observed:
    """Return a world with that table, and no export of it."""
    plain = Observed(
        account="111122223333",
        region="eu-west-1",
        sandbox=False,
        source=source or settings(),
        target=None,
        export=None,
    )
    return replace(plain, **changes)


def export(**changes: Any) -> Export:
    """Return the manifest of a finished export of that table."""
    plain = Export(
        id="01790000000000-0a1b2c3d",
        arn=f"{ARN}/export/01790000000000-0a1b2c3d",
        table_arn=ARN,
        table_id=TABLE_ID,
        export_time=datetime(2026, 11, 20, 2, tzinfo=UTC),
        item_count=40,
        output_format="DYNAMODB_JSON",
        files=(),
    )
    return replace(plain, **changes)
