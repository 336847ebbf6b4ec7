"""Where the state of runs is kept: what ``--state`` names."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

from retable.runner.failure import Refused

ACCOUNT = re.compile(r"[0-9]{12}")
HOW = "write s3://bucket/prefix, or s3://bucket/prefix?owner=ACCOUNT&kms-key=KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A prefix in a bucket, whose account may be named, and the key that encrypts what is there."""

    bucket: str
    prefix: str
    """Without a slash at either end; it may be empty."""
    owner: str | None = None
    kms_key: str | None = None

    def key(self, *parts: str) -> str:
        """Return the key of what is called ``parts`` below the prefix."""
        return "/".join(part for part in (self.prefix, *parts) if part)

    def __str__(self) -> str:
        """Return the address as ``parse_address`` reads it."""
        named = {"owner": self.owner, "kms-key": self.kms_key}
        query = urlencode({name: value for name, value in named.items() if value}, safe=":/")
        return f"s3://{self.bucket}/{self.prefix}" + (f"?{query}" if query else "")


def parse_address(text: str) -> Address:
    """Return the address that ``text`` names.

    Raises:
        Refused: it names no bucket, or says of it what is not understood.
    """
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme != "s3" or not parts.netloc or parts.fragment:
        message = f"--state {text} names no place in S3"
        raise Refused(message, HOW)
    owner, kms_key = options.pop("owner", None), options.pop("kms-key", None)
    if options or kms_key == "" or (owner is not None and not ACCOUNT.fullmatch(owner)):
        message = f"--state {text}: what follows the question mark is not understood"
        raise Refused(message, HOW)
    return Address(bucket=parts.netloc, prefix=parts.path.strip("/"), owner=owner, kms_key=kms_key)
