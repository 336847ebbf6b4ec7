"""The address where the state of runs is kept, as ``--state`` names it."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from retable.runner.failure import Refused

ACCOUNT = re.compile(r"[0-9]{12}")
HOW = "write s3://bucket/prefix, or s3://bucket/prefix?owner=ACCOUNT&kms-key=KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A prefix in a bucket, with an optional owner account and KMS key."""

    bucket: str
    prefix: str
    """Without a slash at either end; it may be empty."""
    owner: str | None = None
    kms_key: str | None = None

    def key(self, *parts: str) -> str:
        """Return the object key of ``parts`` below the prefix."""
        return "/".join(part for part in (self.prefix, *parts) if part)

    def __str__(self) -> str:
        """Return the address in the form that ``parse_address`` reads."""
        named = {"owner": self.owner, "kms-key": self.kms_key}
        query = urlencode({name: value for name, value in named.items() if value}, safe=":/")
        return f"s3://{self.bucket}/{self.prefix}" + (f"?{query}" if query else "")


def parse_address(text: str) -> Address:
    """Return the address that ``text`` names.

    Raises:
        Refused: it names no bucket, or has an unknown parameter.
    """
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not parts.netloc or parts.fragment:
        message = f"--state {text} is not an S3 address"
        raise Refused(message, HOW)
    owner, kms_key = options.pop("owner", None), options.pop("kms-key", None)
    if options or kms_key == "" or (owner is not None and not ACCOUNT.fullmatch(owner)):
        message = f"--state {text}: the parameters after the question mark are not known"
        raise Refused(message, HOW)
    return Address(bucket=parts.netloc, prefix=parts.path.strip("/"), owner=owner, kms_key=kms_key)
