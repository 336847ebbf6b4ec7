"""The way in: one session, one region, one endpoint, the clients that the program uses."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials

from retable.runner.aws.errors import in_words
from retable.runner.aws.exports import Exports
from retable.runner.aws.objects import Objects
from retable.runner.aws.policy import principals_of
from retable.runner.aws.tables import Tables
from retable.runner.failure import Refused, Stopped

LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])
SANDBOX_PATH = "/_retable/sandbox"
CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    # Path style: a bucket's name in the host name would need a DNS entry on a local endpoint.
    s3={"addressing_style": "path"},
    user_agent_extra="retable",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is calling."""

    account: str
    arn: str
    principals: tuple[str, ...]
    """Patterns of ``aws:PrincipalArn`` that mean this caller."""


class Aws:
    """AWS in one region, or an endpoint that stands for it. Clients open at their first use."""

    def __init__(self, session: Any, region: str, endpoint: str | None) -> None:
        """Use the boto3 ``session``; ``endpoint`` is where DynamoDB and S3 are, if not AWS."""
        self._session = session
        self.region = region
        self.endpoint = endpoint

    @cached_property
    def tables(self) -> Tables:
        """Return the way to tables."""
        return Tables(self._client("dynamodb"), lambda: self._client("application-autoscaling"))

    @cached_property
    def exports(self) -> Exports:
        """Return the way to exports."""
        return Exports(self._client("dynamodb"))

    @cached_property
    def objects(self) -> Objects:
        """Return the way to S3."""
        return Objects(self._client("s3"))

    @cached_property
    def dynamodb_url(self) -> str:
        """Return the URL that DynamoDB answers at, by botocore's rules."""
        return str(self._client("dynamodb").meta.endpoint_url)

    def credentials(self) -> Credentials:
        """Return the caller's credentials, which refresh themselves where they can.

        Raises:
            Stopped: there are none.
        """
        found = self._session.get_credentials()
        if found is None:
            message = "no AWS credentials were found"
            raise Stopped(
                message, "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            )
        return found  # type: ignore[no-any-return]  # boto3's session is untyped here

    def identity(self) -> Identity:
        """Return who is calling, by STS.

        Raises:
            Stopped: the credentials are absent, expired or unknown.
        """
        return self._identity

    @cached_property
    def _identity(self) -> Identity:
        with in_words("asking who is calling"):
            answer = self._client("sts").get_caller_identity()
        arn = str(answer["Arn"])
        return Identity(account=str(answer["Account"]), arn=arn, principals=principals_of(arn))

    def is_sandbox(self) -> bool:
        """Return whether the endpoint is our own sandbox, on this machine."""
        return self._is_sandbox

    @cached_property
    def _is_sandbox(self) -> bool:
        if self.endpoint is None or urlsplit(self.endpoint).hostname not in LOOPBACK:
            return False
        try:
            with urllib.request.urlopen(  # noqa: S310 -- a loopback URL, checked above
                self.endpoint.rstrip("/") + SANDBOX_PATH, timeout=5
            ) as answer:
                return bool(json.loads(answer.read()).get("sandbox"))
        except (OSError, ValueError, AttributeError):
            return False

    def _client(self, service: str) -> Any:
        """Return a client for ``service``."""
        with in_words(f"opening {service}"):
            return self._session.client(
                service, region_name=self.region, endpoint_url=self.endpoint, config=CONFIG
            )


def connect(region: str | None, *, environ: Mapping[str, str]) -> Aws:
    """Return the way to AWS in ``region``, or the one that ``environ`` names.

    ``environ`` may differ from the process's environment: then it holds an endpoint and plain keys.

    Raises:
        Refused: no region is set anywhere.
    """
    core = botocore.session.Session()
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        core.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN"))
    with in_words("reading the AWS configuration"):
        session = boto3.session.Session(botocore_session=core)
        named = (
            region
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or session.region_name
        )
    if named is None:
        message = "no AWS region is set"
        raise Refused(message, "set source.region in the spec, or AWS_REGION")
    endpoint = environ.get("AWS_ENDPOINT_URL_DYNAMODB") or environ.get("AWS_ENDPOINT_URL")
    return Aws(session, named, endpoint)
