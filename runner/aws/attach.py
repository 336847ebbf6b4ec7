"""Attaches what CreateTable cannot: autoscaling, Kinesis, insights, warm throughput."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from retable.runner.aws.errors import code_of, translated_errors
from retable.runner.aws.read_attached import kinesis_destinations
from retable.runner.table import requests
from retable.runner.table.settings import Kinesis, Scaling, WarmThroughput


class Attachments:
    """Attaches by Application Auto Scaling and DynamoDB; every call is idempotent."""

    def __init__(self, dynamodb: Any, client_of: Callable[[str], Any]) -> None:
        """Use boto3's client ``dynamodb``; ``client_of`` opens those of other services."""
        self._client = dynamodb
        self._client_of = client_of

    def scale(self, table: str, scaling: Scaling) -> None:
        """Register one capacity dimension of a table or an index for scaling, with its policies."""
        client = self._client_of(requests.AUTOSCALING)
        for request in requests.autoscaling(table, scaling):
            what = f"setting the autoscaling of {request.parameters['ResourceId']}"
            with translated_errors(what, requests.AUTOSCALING):
                request.send(client)

    def stream_to(self, table: str, kinesis: Kinesis) -> None:
        """Send a record of each change to a Kinesis stream."""
        with translated_errors(f"sending the changes of {table} to a Kinesis stream"):
            try:
                requests.kinesis_stream(table, kinesis).send(self._client)
            except ClientError as error:
                # It is already ACTIVE or ENABLING: the answer to the first call was lost.
                if code_of(error) != "ResourceInUseException":
                    raise

    def streaming_status(self, table: str, kinesis: Kinesis) -> str | None:
        """Return ENABLING, ACTIVE, …, or ``None`` if the stream is not a destination."""
        found = kinesis_destinations(self._client, table)
        own = (one for one in found if one["StreamArn"] == kinesis.stream_arn)
        return next((str(one.get("DestinationStatus")) for one in own), None)

    def watch(self, table: str, index: str, mode: str) -> None:
        """Enable contributor insights."""
        with translated_errors(f"enabling contributor insights of {table}"):
            requests.contributor_insights(table, index, mode).send(self._client)

    def warm(self, table: str, index: str, expected: WarmThroughput) -> None:
        """Raise the warm throughput, which the service never lowers; the table becomes UPDATING."""
        with translated_errors(f"raising the warm throughput of {table}"):
            requests.warm_throughput(table, index, expected).send(self._client)
