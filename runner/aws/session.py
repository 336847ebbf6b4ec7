"""One AWS session: one region, one endpoint, and the clients that the program uses."""

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
from retable.runner.aws.bucket import BucketState, read_bucket
from retable.runner.aws.bulk import Bulk
from retable.runner.aws.errors import is_unknown_call, translated_errors
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
    # Path style: a bucket's name in the host name would need a DNS entry. And a proxy from the
    # environment cannot reach this machine's ports.
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
"""The environment variables of each service's endpoint ("Service-specific endpoints")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One call that was answered."""

    service: str
    """As botocore calls it: ``dynamodb``, ``application-auto-scaling``."""
    operation: str
    code: str | None
    """The error code, if the answer is an error."""
    date: str | None
    """The answer's Date header: the service's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who is calling."""

    account: str | None
    arn: str
    principals: tuple[str, ...]
    """Patterns of ``aws:PrincipalArn`` that match this caller."""


NO_IDENTITY = Identity(account=None, arn="", principals=())
"""The caller at an endpoint without identities, where no policy can name one."""


class Aws:
    """AWS in one region, or an emulator of it. Clients open at their first use."""

    def __init__(
        self,
        core: botocore.session.Session,
        region: str,
        environ: Mapping[str, str],
        clock: Clock,
        bucket_owner: str | None = None,
    ) -> None:
        """Use the session ``core``; ``environ`` may name endpoints in place of AWS.

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
        """Return the client for tables."""
        # An emulator on this machine applies a new policy at once.
        pause = {"policy_pause": 0.0} if self.is_loopback else {}
        return Tables(self._client("dynamodb"), self._client, self._clock, **pause)

    @cached_property
    def attachments(self) -> Attachments:
        """Return the client for what is attached to tables."""
        return Attachments(self._client("dynamodb"), self._client)

    @cached_property
    def exports(self) -> Exports:
        """Return the client for exports."""
        return Exports(self._client("dynamodb"))

    @cached_property
    def bulk(self) -> Bulk:
        """Return the client for imports and bulk operations."""
        return Bulk(self._client("dynamodb"), self._client)

    @cached_property
    def cloudformation(self) -> Any:
        """Return boto3's client of CloudFormation."""
        return self._client("cloudformation")

    @cached_property
    def objects(self) -> Objects:
        """Return the client for S3."""
        return self.objects_of(self._bucket_owner)

    def objects_of(self, owner: str | None, kms_key: str | None = None) -> Objects:
        """Return the client for buckets of the account ``owner``, or of any; see ``Objects``."""
        return Objects(self._client("s3"), self._clock, owner, kms_key)

    @cached_property
    def dynamodb_url(self) -> str:
        """Return DynamoDB's endpoint URL, by botocore's rules."""
        return str(self._client("dynamodb").meta.endpoint_url)

    @property
    def is_loopback(self) -> bool:
        """Return whether DynamoDB's endpoint is on this machine."""
        return _is_loopback(self.dynamodb_url)

    @property
    def ca_bundle(self) -> str | None:
        """Return the configured CA bundle for AWS, if any."""
        named = self._core.get_config_variable("ca_bundle")
        return named or self.environ.get("REQUESTS_CA_BUNDLE")

    def credentials(self) -> ReadOnlyCredentials:
        """Return the caller's current credentials, refreshed first where possible.

        Raises:
            Stopped: there are none, or they cannot be refreshed.
        """
        with translated_errors("looking for AWS credentials"):
            found = self._session.get_credentials()
            if found is None:
                raise NoCredentialsError
            frozen: ReadOnlyCredentials = found.get_frozen_credentials()
        return frozen

    def on_answer(self, report: Callable[[Answered], None]) -> None:
        """Report each later call to ``report``; clients that are already open are not observed."""

        def on_call(**event: Any) -> None:
            answer: Mapping[str, Any] = event["parsed"]
            headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
            answered = Answered(
                service=event["model"].service_model.service_id.hyphenize(),
                operation=event["model"].name,
                code=answer.get("Error", {}).get("Code"),
                date=headers.get("date"),
            )
            report(answered)

        self._core.register("after-call", on_call)

    def read_bucket(self, bucket: str, owner: str | None) -> BucketState | None:
        """Return the state of a bucket, or ``None``; ``owner`` is the expected account.

        Raises:
            Stopped: S3 does not answer, or denies the caller access.
        """
        return read_bucket(self._client("s3"), bucket, owner)

    def simulate(self, actions: Sequence[str], resources: Sequence[str]) -> tuple[Decision, ...]:
        """Return IAM's decisions on what the caller may do; see ``aws.simulate``."""
        return simulate(self._client("iam"), self.identity().arn, actions, resources)

    def identity(self) -> Identity:
        """Return who is calling, by STS.

        Raises:
            Stopped: the credentials are absent, expired or unknown.
        """
        return self._identity

    @cached_property
    def _identity(self) -> Identity:
        with translated_errors("identifying the caller", "sts"):
            try:
                answer = self._client("sts").get_caller_identity()
            except ClientError as error:
                # An emulator on this machine may support DynamoDB alone; AWS always has STS.
                if self.is_loopback and is_unknown_call(error):
                    return NO_IDENTITY
                raise
        arn = str(answer["Arn"])
        return Identity(account=str(answer["Account"]), arn=arn, principals=principals_of(arn))

    def is_sandbox(self) -> bool:
        """Return whether the endpoint is our own sandbox on this machine."""
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
        with translated_errors(f"opening {service}"):
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
    """Return a session in ``region``, or in the one that ``environ`` names.

    ``environ`` may differ from the process's environment: then it has an endpoint and plain keys.
    ``bucket_owner`` is the account that every bucket must belong to, if it is known.

    Raises:
        Refused: no region is set anywhere, or the profile does not exist.
    """
    core = botocore.session.Session()
    key, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        core.set_credentials(key, secret, environ.get("AWS_SESSION_TOKEN"))
    # The process's own profile must not apply to an environment that names none.
    profile = environ.get("AWS_PROFILE") or environ.get("AWS_DEFAULT_PROFILE")
    core.get_component("config_store").set_config_variable("profile", profile)
    with translated_errors("reading the AWS configuration"):
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
    """Return the endpoint set for ``service``; ``None`` leaves it to botocore's rules."""
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    own = environ.get(ENDPOINT_VARIABLES[service])
    return own or environ.get("AWS_ENDPOINT_URL") or None


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK
