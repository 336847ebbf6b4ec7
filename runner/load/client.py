"""Writes as single signed HTTP requests, built from bytes, with each response as an ``Answer``.

boto3's serializer costs eight times the CPU of the whole rest, so only its endpoint rules and
its credentials are used. Retries are not done here.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Any

import orjson

from retable.runner.aws.errors import credentials_refused
from retable.runner.aws.session import Aws
from retable.runner.clock import Clock
from retable.runner.failure import Stopped
from retable.runner.load.connection import NoResponseError
from retable.runner.load.pool import Pool, UntrustedError
from retable.runner.load.sign import Signer

BATCH = "DynamoDB_20120810.BatchWriteItem"
PUT = "DynamoDB_20120810.PutItem"
BETWEEN_ITEMS = b'}},{"PutRequest":{"Item":'
AFTER_ITEMS = b"}}]}}"
THROTTLED = frozenset(
    [
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "LimitExceededException",
        "ReplicatedWriteConflictException",
        "TransactionConflictException",
        "TransactionInProgressException",
    ]
)
POISONED = frozenset(
    ["ItemCollectionSizeLimitExceededException", "SerializationException", "ValidationException"]
)
"""One bad item causes these for a whole batch: nothing of it is written."""
CONFLICT = "ConditionalCheckFailedException"
HOT_RANGE = "KeyRangeThroughputExceeded"
ACCOUNT_LIMIT = "AccountLimitExceeded"
"""Why writes are throttled: the ends of the reasons that a response may give."""
OK = 200
TOO_LARGE = 413
FAULT = 500
"""HTTP status codes; from ``FAULT`` on the error is the server's."""


class Kind(Enum):
    """What a response means for the batch."""

    WRITTEN = auto()
    """Written, except what is in ``unprocessed``."""
    THROTTLED = auto()
    """Nothing was written; retry later."""
    BROKEN = auto()
    """No usable response: the batch may have been written or not. Writing an item is idempotent."""
    CONFLICT = auto()
    """Nothing was written: ``unprocessed`` has the item that already has this key."""
    POISONED = auto()
    """Nothing was written, because of one or more items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The result of one request."""

    kind: Kind
    unprocessed: Sequence[Mapping[str, Any]] = ()
    """The items, as DynamoDB JSON, that were not written."""
    units: Decimal = field(default=Decimal(0))
    """Write units consumed, including those of indexes, as the service counted them."""
    code: str = ""
    reasons: frozenset[str] = frozenset()
    """Why writes are throttled, if the response says so, without the table or index."""


class BatchClient:
    """Writes batches to one table over shared connections."""

    def __init__(self, pool: Pool, aws: Aws, table: str, clock: Clock) -> None:
        """Write to ``table``."""
        self._pool = pool
        self._aws = aws
        self._table = table
        self._url = aws.dynamodb_url
        self._signer = Signer(self._url, aws.region)
        self._clock = clock
        self._head = (
            b'{"ReturnConsumedCapacity":"INDEXES","RequestItems":{%s:[{"PutRequest":{"Item":'
            % orjson.dumps(table)
        )

    async def put(self, items: Sequence[bytes]) -> Answer:
        """Write whole items (attribute maps as JSON), at most 25 with no key twice.

        Raises:
            Stopped: the credentials, the permissions or the table prevent it.
        """
        # One join: a request may be large, and this holds its bytes only once beside the items'.
        parts = [BETWEEN_ITEMS] * (2 * len(items) + 1)
        parts[0], parts[1::2], parts[-1] = self._head, items, AFTER_ITEMS
        return await self._sent(BATCH, b"".join(parts))

    async def put_new(self, item: bytes, partition: str) -> Answer:
        """Write one item unless its key exists; ``partition`` is the partition key's name.

        Raises:
            Stopped: as ``put``.
        """
        body = (
            b'{"TableName":%s,"Item":%s,"ReturnConsumedCapacity":"INDEXES",'
            b'"ConditionExpression":"attribute_not_exists(#key)",'
            b'"ExpressionAttributeNames":{"#key":%s},'
            b'"ReturnValuesOnConditionCheckFailure":"ALL_OLD"}'
        )
        return await self._sent(
            PUT, body % (orjson.dumps(self._table), item, orjson.dumps(partition))
        )

    async def _sent(self, target: str, body: bytes) -> Answer:
        """Send one request and read its response."""
        headers = self._signer.headers(target, body, self._aws.credentials(), self._clock.now())
        try:
            status, received, content = await self._pool.post(headers, body)
        except NoResponseError as error:
            return Answer(kind=Kind.BROKEN, code=str(error))
        except UntrustedError as error:
            message = f"loading {self._table}: the certificate of {self._url} is not trusted"
            raise Stopped(message, "check the endpoint and AWS_CA_BUNDLE") from error
        checksum = received.get(b"x-amz-crc32")
        if checksum and checksum != b"%d" % zlib.crc32(content):
            return Answer(kind=Kind.BROKEN, code="wrong CRC-32")
        return self._read(status, content)

    def _read(self, status: int, content: bytes) -> Answer:
        """Return what the response means."""
        try:
            answer = orjson.loads(content)
        except orjson.JSONDecodeError:
            answer = None
        if status == TOO_LARGE:
            return Answer(kind=Kind.POISONED, code="HTTP 413")
        if not isinstance(answer, dict):
            return Answer(kind=Kind.BROKEN, code=f"HTTP {status} without JSON")
        if status == OK:
            return _written(answer)
        return self._refused(status, answer)

    def _refused(self, status: int, answer: Mapping[str, Any]) -> Answer:
        """Return what an error means, or stop if a retry cannot help."""
        code = str(answer.get("__type", "")).rpartition("#")[2]
        if code == CONFLICT:
            existing = answer.get("Item")
            return Answer(kind=Kind.CONFLICT, code=code, unprocessed=[existing] if existing else [])
        if code in THROTTLED:
            return Answer(kind=Kind.THROTTLED, code=code, reasons=_reasons(answer))
        if code in POISONED:
            return Answer(kind=Kind.POISONED, code=code)
        if status >= FAULT:
            return Answer(kind=Kind.BROKEN, code=code or f"HTTP {status}")
        refused = credentials_refused(f"loading {self._table}", code)
        if refused is not None:
            raise refused
        if code == "AccessDeniedException":
            message = f"loading {self._table}: access to BatchWriteItem was denied"
            raise Stopped(message, "the caller needs permission for dynamodb:BatchWriteItem")
        if code == "ResourceNotFoundException":
            message = f"loading {self._table}: the table does not exist"
            raise Stopped(message, "it was deleted, or it is still being created")
        message = f"loading {self._table}: BatchWriteItem returned {code or f'HTTP {status}'}"
        raise Stopped(message)


def _reasons(answer: Mapping[str, Any]) -> frozenset[str]:
    """Return why writes are throttled; the member has two spellings (botocore's model)."""
    entries = answer.get("ThrottlingReasons") or answer.get("throttlingReasons") or ()
    reasons = (str(entry.get("reason", "")) for entry in entries if isinstance(entry, dict))
    # TableWriteKeyRangeThroughputExceeded, IndexWriteAccountLimitExceeded and so on.
    return frozenset(reason.partition("Write")[2] or reason for reason in reasons if reason)


def _written(answer: Mapping[str, Any]) -> Answer:
    """Return what was written and how many write units it consumed."""
    left = answer.get("UnprocessedItems") or {}
    consumed = answer.get("ConsumedCapacity") or ()
    consumed = [consumed] if isinstance(consumed, dict) else consumed
    return Answer(
        kind=Kind.WRITTEN,
        # Under the table's name or its ARN: there is one table only.
        unprocessed=[request["PutRequest"]["Item"] for table in left.values() for request in table],
        units=sum((Decimal(str(entry.get("CapacityUnits", 0))) for entry in consumed), Decimal(0)),
    )
