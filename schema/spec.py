"""``Spec`` and its parts: the content of a migration spec, valid by construction.

The parts mirror the YAML: one class per mapping, one field per key. Nothing here reads a file or
checks a value; ``parse`` does. Defaults that need the live table (billing, indexes, settings) stay
``None`` or ``"keep"`` here and are resolved when the plan is compiled.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from retable.schema.problem import Problem, Span
from retable.schema.reasons import Reason

KeyType = Literal["S", "N", "B"]
AttributeType = Literal["S", "N", "B", "BOOL", "NULL", "L", "M", "SS", "NS", "BS"]
TypedItem = Mapping[str, Mapping[str, Any]]
"""An item as DynamoDB JSON: attribute name to ``{"S": ...}``; N and B (base64) are strings."""
SpecPath = tuple[str | int, ...]
"""The path to a value inside the document: ``("transform", "fields", "customer_id")``."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a spec came from: file as given, text, hash, and the position of every value."""

    file: str
    folder: Path
    """The spec file's folder; relative paths inside the spec start here."""
    text: str = field(repr=False)
    sha256: str
    spans: Mapping[SpecPath, Span] = field(repr=False)
    keys: Mapping[SpecPath, Span] = field(default_factory=dict, repr=False)
    """The position of every key of a mapping, by the path to its value."""

    def place(self, path: SpecPath) -> Span:
        """Return where a finding about ``path`` points: at the key, if it has several lines."""
        span = self.span(path)
        return span if span.line == span.end_line else self.keys.get(path, span)

    def span(self, path: SpecPath) -> Span:
        """Return the position of the value at ``path``, or of its nearest parent that has one."""
        while path not in self.spans:
            path = path[:-1]
        return self.spans[path]


@dataclass(frozen=True, slots=True)
class Expression:
    """One JMESPath expression and its position. ``span`` covers the scalar, quotes included."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class KeyAttribute:
    """One attribute of a key schema."""

    name: str
    type: KeyType


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySchema:
    """A table's primary key."""

    partition: KeyAttribute
    sort: KeyAttribute | None = None

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """Return the key's attributes, partition first."""
        return (self.partition,) if self.sort is None else (self.partition, self.sort)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A secondary index. A global one may have up to four attributes on each side."""

    name: str
    partition: tuple[KeyAttribute, ...]
    sort: tuple[KeyAttribute, ...] = ()
    projection: Literal["all", "keys"] | tuple[str, ...] = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexes:
    """The target's indexes, if the spec declares them."""

    global_: tuple[Index, ...] = ()
    local: tuple[Index, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provisioned:
    """Provisioned capacity, in units a second."""

    read: int
    write: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """``source.export``: what the items are read from."""

    kind: Literal["native", "scan", "files"]
    location: str | None = None
    """``s3://bucket/prefix`` or a path relative to the spec; ``None`` only for ``kind: scan``."""
    id: str | None = None
    format: Literal["dynamodb-json", "ion", "parquet", "json-lines", "csv", "data-pipeline"] = (
        "dynamodb-json"
    )
    at: datetime | None = None
    """The export time of a new export; ``None`` is now."""
    max_age_seconds: int | None = None
    incrementals: Literal["all"] | tuple[str, ...] = ()
    """Incremental exports to apply to the full one, by id, or all that follow it."""
    bucket_owner: str | None = None
    """The account that must own the bucket; 12 digits."""
    kms_key: str | None = None
    """The KMS key that encrypts a new export; ``None`` is S3's own."""
    segments: int = 4
    """How many parts of the table a scan reads at once; each becomes a data file."""
    rate: int | None = None
    """Read capacity units a second that a scan may use; ``None`` is as fast as the table allows."""
    consistent: bool = True
    """Whether a scan reads consistently, at twice the price."""
    columns: Mapping[str, AttributeType] = field(default_factory=dict)
    """The types of columns that the files do not contain."""
    accept: tuple[str, ...] = ()
    """Ambiguities of a format that are accepted as they are read."""
    count: int | None = None
    """The known number of items in all the files."""
    checksums: str | None = None
    """A file in the location, written by md5sum or sha256sum; it lists the data files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """``source``: the table to rebuild. ``table`` is a name or an ARN, as written."""

    table: str
    region: str | None
    export: Export

    @property
    def table_name(self) -> str:
        """Return the bare name, even if the spec gives an ARN."""
        return self.table.rpartition("/")[2]


Setting = Literal[
    "ttl",
    "stream",
    "point_in_time_recovery",
    "deletion_protection",
    "tags",
    "autoscaling",
    "policy",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``target``: the rebuilt table. ``None`` and ``"keep"`` take the source's own."""

    table: str
    key: KeySchema
    indexes: Indexes | Literal["keep"] = "keep"
    billing: Literal["keep", "on-demand"] | Provisioned = "keep"
    nonempty: Literal["refuse", "accept"] = "refuse"
    """Whether the table may already exist, with items of its own."""
    settings: Mapping[Setting, Any] | Literal["keep"] = "keep"
    """Per setting ``"keep"`` or a value: ttl (attribute name or ``False``), stream (view type or
    ``False``), point_in_time_recovery and deletion_protection (bool), tags (map), autoscaling (by
    side of capacity, or ``False``) and policy (map). A setting that is not listed is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsBackup:
    """``rebuild.backup: {with: aws-backup, …}``."""

    vault: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CdkVariant:
    """How one state of the app is synthesized: from a context, or given as an assembly."""

    context: Mapping[str, str] | None = None
    assembly: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CdkProvision:
    """``provision.with: cdk``, or ``cdk-import``."""

    app: str
    stack: str
    construct: str
    absent: CdkVariant
    present: CdkVariant
    final: CdkVariant | None = None
    accept: tuple[str, ...] = ()
    """Logical ids of other resources that the deployments may change."""
    adopts: bool = False
    """Whether the table is created by API and imported into its stack once it is verified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """``rebuild``: how the old table is replaced by the new one."""

    strategy: Literal["side-by-side", "replace", "recover"] = "side-by-side"
    freeze: Literal["resource-policy", "none"] = "none"
    settle_seconds: int = 300
    backup: Literal["on-demand", "none"] | AwsBackup = "on-demand"
    provision: Literal["api"] | CdkProvision = "api"
    accept: tuple[Literal["later-writes", "stream-replay"], ...] = ()
    """Accepted losses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One entry of ``transform.fields``: an attribute that an expression produces."""

    name: str
    expression: Expression
    type: AttributeType | None = None
    required: bool = False
    default: Mapping[str, Any] | None = None
    """The typed value (``{"S": "…"}``) to use if the result is absent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One entry of ``transform.items``: a target item that an exported item becomes.

    With ``each`` it becomes one for each element of that array; expressions see the element
    as ``bind``, beside the item's own attributes.
    """

    where: Expression | None = None
    each: Expression | None = None
    bind: str = "each"
    copy: Literal["all", "none"] | tuple[str, ...] = "none"
    drop: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Functions:
    """``transform.functions``: a Python file with the spec's own functions."""

    file: str
    """Its path relative to the spec."""
    text: str | None = field(default=None, repr=False)
    """Its content; ``None`` until it is read, which parsing a spec does not do."""
    allowed: bool = False
    """Whether the user allowed running it."""

    @property
    def sha256(self) -> str:
        """Return the hash of the text."""
        return hashlib.sha256((self.text or "").encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """``collisions``: which of several items with one target key is loaded.

    ``latest`` takes the greatest value of the expression, ``first`` the smallest.
    """

    take: Literal["latest", "first"]
    by: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentage:
    """A share in percent, exact."""

    percent: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """``transform``: how an exported item becomes a target item."""

    where: Expression | None = None
    copy: Literal["all", "none"] | tuple[str, ...] = "all"
    drop: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    items: tuple[Template, ...] = ()
    """Instead of ``copy``, ``drop`` and ``fields``: one exported item becomes several."""
    functions: Functions | None = None
    max_rejects: int | Percentage = 0
    collisions: Literal["refuse"] | Winner = "refuse"

    @property
    def templates(self) -> tuple[Template, ...]:
        """Return the templates of target items: ``items``, or the one of the other keys."""
        return self.items or (Template(copy=self.copy, drop=self.drop, fields=self.fields),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """``load``: how items are written."""

    with_: Literal["batch-write", "bulk-put", "import-table"] = "batch-write"
    rate: int | Percentage | None = None
    """Write capacity units a second, or a share of the table's capacity; ``None``: no limit."""
    on_conflict: Literal["overwrite", "keep", "fail"] = "overwrite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """``verify.queries``: SQL over ``source``, ``expected`` and ``target``, for one value."""

    name: str
    sql: str
    expect: Any
    """A YAML scalar: int, Decimal, str, bool or ``None``."""
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """``verify``: how the rebuilt table is verified."""

    count: Literal["exact"] = "exact"
    checksum: Literal["all"] | tuple[str, ...] = "all"
    read: Literal["scan", "export"] = "scan"
    queries: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectItem:
    """The row becomes exactly this item."""

    item: TypedItem


@dataclass(frozen=True, slots=True)
class ExpectSome:
    """The row's item has these attributes, and lacks those in ``absent``."""

    present: TypedItem
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExpectDropped:
    """``where`` drops the row."""


@dataclass(frozen=True, slots=True)
class ExpectRejected:
    """The row is rejected for this reason."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ExpectItems:
    """The row becomes these items, in the order of the templates and their elements."""

    items: tuple[ExpectItem | ExpectSome, ...]


Expectation = ExpectItem | ExpectSome | ExpectItems | ExpectDropped | ExpectRejected


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFiles:
    """The files of a row test, relative to the spec, until they are read."""

    given: str | None = None
    """The file with the item that ``RowTest.given`` overrides."""
    expect: str | None = None
    """The file with the whole expected item."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowTest:
    """One entry of ``tests``, or one of its cases: an item and its expected result."""

    name: str
    given: TypedItem
    expect: Expectation
    span: Span
    path: SpecPath = ()
    """The path to it inside the document."""
    files: RowFiles | None = None
    """The files that are still to be read; parsing a spec opens no other file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandbox:
    """``sandbox``: the source table that ``--sandbox`` creates, and its items.

    Without ``seed``, ``items`` many are generated from the row tests' ``given`` rows.
    """

    key: KeySchema
    indexes: Indexes = field(default_factory=Indexes)
    billing: Literal["on-demand"] | Provisioned = "on-demand"
    settings: Mapping[Setting, Any] = field(default_factory=dict)
    seed: str | None = None
    """A file of ``{"Item": …}`` lines (DynamoDB JSON), relative to the spec; may be ``.gz``."""
    items: int = 1000
    stack: CdkVariant | None = None
    """The state of the app that is deployed first and creates the source table."""
    lost: bool = False
    """Whether the table is deleted out of band once it is exported."""
    damage: str | None = None
    """A file like ``seed`` of what was written after ``source.export.at``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One table to rebuild."""

    version: Literal[1] = 1
    name: str
    description: str = ""
    tags: tuple[str, ...] = ()
    source: Source
    target: Target
    rebuild: Rebuild
    transform: Transform
    load: Load
    verify: Verify
    tests: tuple[RowTest, ...] = ()
    sandbox: Sandbox | None = None
    origin: Origin
    warnings: tuple[Problem, ...] = ()
    """Findings that do not prevent using the spec."""
