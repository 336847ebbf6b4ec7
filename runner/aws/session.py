"""The way in: one session, one region, one endpoint, the clients that the program uses."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import ClientError, NoCredentialsError

from retable.runner.aws.attach import Attachments
from retable.runner.aws.bucket import BucketState, look_at_bucket
from retable.runner.aws.bulk import Bulk
from retable.runner.aws.errors import in_words, is_unknown_call
from retable.runner.aws.exports import Exports
from retable.runner.aws.objects import Objects
from retable.runner.aws.simulate import Decision, simulate
from retable.runner.aws.tables import Tables
from retable.runner.clock import Clock, SystemClock
from retable.runner.failure import Refused
from retable.runner.table.resource_policy import principals_of

LOOPBACK = frozenset(["localhost", "127.0.0.1", "::1"])
SANDBOX_PATH = "/_retable/sandbox"
CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 5},
    user_agent_extra="retable",
)
LOOPBACK_CONFIG = CONFIG.merge(
    # Path style: a bucket's name in the host name would need a DNS entry. And a proxy that the
    # environment names cannot reach this machine's own ports.
    Config(s3={"addressing_style": "path"}, proxies={})
)
ENDPOINT_VARIABLES = {
    "application-autoscaling": "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
    "cloudformation": "AWS_ENDPOINT_URL_CLOUDFORMATION",
    "dynamodb": "AWS_ENDPOINT_URL_DYNAMODB",
    "iam": "AWS_ENDPOINT_URL_IAM",
    "kms": "AWS_ENDPOINT_URL_KMS",
    "logs": "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS",
    "s3": "AWS_ENDPOINT_URL_S3",
    "sts": "AWS_ENDPOINT_URL_STS",
}
"""Where AWS SDKs look for a service's own endpoint ("Service-specific endpoints")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One call that was answered."""

    service: str
    """As botocore calls it: ``dynamodb``, ``application-auto-scaling``."""
    operation: str
    code: str | None
    """The error's code, if it was one."""
    date: str | None
    """The answer's Date, which is the service's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is calling."""

    account: str | None
    arn: str
    principals: tuple[str, ...]
    """Patterns of ``aws:PrincipalArn`` that mean this caller."""


NOBODY = Identity(account=None, arn="", principals=())
"""The caller at an endpoint that has no identities, and so no policies that could name one."""


class Aws:
    """AWS in one region, or an endpoint that stands for it. Clients open at their first use."""

    def __init__(
        self,
        core: botocore.session.Session,
        region: str,
        environ: Mapping[str, str],
        clock: Clock,
        bucket_owner: str | None = None,
    ) -> None:
        """Use the session ``core``; ``environ`` may name endpoints that stand for AWS.

        ``bucket_owner`` is the account that buckets must belong to.
        """
        self._core = core
        self._session: Any = boto3.session.Session(botocore_session=core)
        self.environ = environ
        self._clock = clock
        self._bucket_owner = bucket_owner
        self.region = region

    @cached_property
    def tables(self) -> Tables:
        """Return the way to tables."""
        # What stands for AWS on this machine has its policies in force at once.
        pause = {"policy_pause": 0.0} if self.is_loopback else {}
        return Tables(self._client("dynamodb"), self._client, self._clock, **pause)

    @cached_property
    def attachments(self) -> Attachments:
        """Return the way to what is attached to tables."""
        return Attachments(self._client("dynamodb"), self._client)

    @cached_property
    def exports(self) -> Exports:
        """Return the way to exports."""
        return Exports(self._client("dynamodb"))

    @cached_property
    def bulk(self) -> Bulk:
        """Return the way to write from S3."""
        return Bulk(self._client("dynamodb"), self._client)

    @cached_property
    def cloudformation(self) -> Any:
        """Return boto3's client of CloudFormation."""
        return self._client("cloudformation")

    @cached_property
    def objects(self) -> Objects:
        """Return the way to S3."""
        return self.objects_of(self._bucket_owner)

    def objects_of(self, owner: str | None, kms_key: str | None = None) -> Objects:
        """Return the way to buckets of the account ``owner``, or of any; see ``Objects``."""
        return Objects(self._client("s3"), self._clock, owner, kms_key)

    @cached_property
    def dynamodb_url(self) -> str:
        """Return the URL that DynamoDB answers at, by botocore's rules."""
        return str(self._client("dynamodb").meta.endpoint_url)

    @property
    def is_loopback(self) -> bool:
        """Return whether DynamoDB is on this machine."""
        return _is_loopback(self.dynamodb_url)

    @property
    def ca_bundle(self) -> str | None:
        """Return the file of certificate authorities that was set for AWS, if one was."""
        named = self._core.get_config_variable("ca_bundle")
        return named or self.environ.get("REQUESTS_CA_BUNDLE")

    def credentials(self) -> ReadOnlyCredentials:
        """Return the caller's credentials as they are now, refreshed first where they can be.

        Raises:
            Stopped: there are none, or they cannot be refreshed.
        """
        with in_words("looking for AWS credentials"):
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen

    def on_answer(self, tell: Callable[[Answered], None]) -> None:
        """Tell ``tell`` of each call from here on; clients that are open already are not heard."""

        def hear(**told: Any) -> None:
            answer: Mapping[str, Any] = told["parsed"]
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            answered = Answered(
                service=told["model"].service_model.service_id.hyphenize(),
                operation=told["model"].name,
                code=answer.get("Error", {}).get("Code"),
                date=headers.get("date"),
            )
            tell(answered)

        self._core.register("after-call", hear)

    def look_at_bucket(self, bucket: str, owner: str | None) -> BucketState | None:
        """Return what a bucket is like, or ``None``; ``owner`` is the account expected to have it.

        Raises:
            Stopped: S3 does not answer, or the caller may not look at it.
        """
        return look_at_bucket(self._client("s3"), bucket, owner)

    def simulate(self, actions: Sequence[str], resources: Sequence[str]) -> tuple[Decision, ...]:
        """Return what IAM says that the caller may do; see ``aws.simulate``."""
        return simulate(self._client("iam"), self.identity().arn, actions, resources)

    def identity(self) -> Identity:
        """Return who is calling, by STS.

        Raises:
            Stopped: the credentials are absent, expired or unknown.
        """
        return self._identity

    @cached_property
    def _identity(self) -> Identity:
        with in_words("asking who is calling", "sts"):
            try:
                answer = self._client("sts").get_caller_identity()
            except ClientError as error:
                # An emulator on this machine may know DynamoDB alone; AWS always has STS.
                if self.is_loopback and is_unknown_call(error):
                    return NOBODY
                raise
        arn = str(answer["Arn"])
        return Identity(account=str(answer["Account"]), arn=arn, principals=principals_of(arn))

    def is_sandbox(self) -> bool:
        """Return whether the endpoint is our own sandbox, on this machine."""
        return self._is_sandbox

    @cached_property
    def _is_sandbox(self) -> bool:
        if not self.is_loopback:
            return False
        # Without the environment's proxies: the address is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(self.dynamodb_url.rstrip("/") + SANDBOX_PATH, timeout=5) as answer:
                return bool(json.loads(answer.read()).get("sandbox"))
        except (OSError, ValueError, AttributeError):
            return False

    def _client(self, service: str) -> Any:
        """Return a client for ``service``."""
        endpoint = _endpoint(service, self.environ)
        with in_words(f"opening {service}"):
            return self._session.client(
                service,
                region_name=self.region,
                endpoint_url=endpoint,
                config=LOOPBACK_CONFIG if endpoint and _is_loopback(endpoint) else CONFIG,
            )


def connect(
    region: str | None,
    *,
    environ: Mapping[str, str],
    clock: Clock | None = None,
    bucket_owner: str | None = None,
) -> Aws:
    """Return the way to AWS in ``region``, or the one that ``environ`` names.

    ``environ`` may differ from the process's environment: then it holds an endpoint and plain keys.
    ``bucket_owner`` is the account that every bucket must belong to, where it is known.

    Raises:
        Refused: no region is set anywhere, or the profile does not exist.
    """
    core = botocore.session.Session()
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        core.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN"))
    # The process's own profile must not reach into an environment that names none.
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    core.get_component("config_store").set_config_variable("profile", profile)
    with in_words("reading the AWS configuration"):
        named = (
            region
            or environ.get("AWS_REGION")
            or environ.get("AWS_DEFAULT_REGION")
            or core.get_config_variable("region")
        )
    if not named:
        message = "no AWS region is set"
        raise Refused(message, "set source.region in the spec, or AWS_REGION")
    return Aws(core, str(named), environ, clock or SystemClock(), bucket_owner)


def _endpoint(service: str, environ: Mapping[str, str]) -> str | None:
    """Return what stands for ``service``; ``None`` leaves it to botocore's own rules."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    own = environ.get(ENDPOINT_VARIABLES[service])
    return own or environ.get("AWS_ENDPOINT_URL") or None


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK
