"""Where a comment goes: the pull request named by the environment of a CI job.

A comment that starts with the marker is overwritten; otherwise a new one is created. Requests go
only to the address that the CI system provides, with its token, which no message shows.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from retable.runner.failure import Refused, Stopped

PAGE = 100
MAX_PAGES = 30
SECONDS = 30
MAX_ANSWER = 20_000_000
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Forge:
    """One pull request's comments. GitHub and GitLab differ in names only."""

    comments: str
    """The address that lists the comments and accepts new ones."""
    one: str
    """The address of a single comment, before its id."""
    header: tuple[str, str]
    update: str
    """The HTTP method that overwrites a comment."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the request carries the token."""

    def redirect_request(self, *_: Any) -> None:
        """Return no further request."""


_OPENER = urllib.request.build_opener(_NoRedirect)


def forge_of(environ: Mapping[str, str]) -> Forge:
    """Return the pull request of this job.

    Raises:
        Refused: the job has no pull request, or there is no token.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        return _github(environ)
    if environ.get("GITLAB_CI") == "true":
        return _gitlab(environ)
    message = "not a GitHub Actions or GitLab CI job, so there is no pull request"
    raise Refused(message, "omit --post to print the comment")


def upsert(forge: Forge, body: str) -> str:
    """Overwrite the comment with the same first line, or create one; return which.

    Raises:
        Stopped: the service does not respond, or refuses.
    """
    marker = body.partition("\n")[0]
    for comment in _comments(forge):
        if str(comment.get("body", "")).startswith(marker):
            _ask(forge, forge.update, f"{forge.one}/{int(comment['id'])}", {"body": body})
            return "updated"
    _ask(forge, "POST", forge.comments, {"body": body})
    return "created"


def _github(environ: Mapping[str, str]) -> Forge:
    token = environ.get("GITHUB_TOKEN")
    number = _pull_request(Path(environ.get("GITHUB_EVENT_PATH", "")))
    repository = environ.get("GITHUB_REPOSITORY", "")
    base = environ.get("GITHUB_API_URL", "https://api.github.com")
    if number is None or not repository:
        message = "this job does not belong to a pull request"
        raise Refused(message, "run it on: pull_request, or omit --post")
    if not token:
        hint = "set env: {GITHUB_TOKEN: ${{ github.token }}} and pull-requests: write"
        message = "GITHUB_TOKEN is not set, so no comment can be written"
        raise Refused(message, hint)
    issues = f"{_safe(base)}/repos/{quote(repository)}/issues"
    return Forge(
        comments=f"{issues}/{number}/comments",
        one=f"{issues}/comments",
        header=("Authorization", f"Bearer {token}"),
        update="PATCH",
    )


def _gitlab(environ: Mapping[str, str]) -> Forge:
    token, number = environ.get("GITLAB_TOKEN"), environ.get("CI_MERGE_REQUEST_IID", "")
    project = environ.get("CI_PROJECT_ID", "")
    if not number.isdecimal() or not project.isdecimal():
        message = "this job does not belong to a merge request"
        raise Refused(message, "run it in a merge request pipeline, or omit --post")
    if not token:
        hint = "set it to a project access token with the scope api"
        message = "GITLAB_TOKEN is not set, so no comment can be written"
        raise Refused(message, hint)
    base = _safe(environ.get("CI_API_V4_URL", "https://gitlab.com/api/v4"))
    notes = f"{base}/projects/{project}/merge_requests/{number}/notes"
    return Forge(comments=notes, one=notes, header=("PRIVATE-TOKEN", token), update="PUT")


def _pull_request(event: Path) -> int | None:
    try:
        document = json.loads(event.read_bytes())
        found = document.get("pull_request") or document.get("issue")
        return int(found["number"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _safe(base: str) -> str:
    """Return the address, if a token may be sent there."""
    parts = urlsplit(base)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return base.rstrip("/")
    message = "the address of the service is not https"
    raise Refused(message, "a token is not sent there")


def _comments(forge: Forge) -> Iterator[Mapping[str, Any]]:
    for page in range(1, MAX_PAGES + 1):
        found = _ask(forge, "GET", f"{forge.comments}?per_page={PAGE}&page={page}", None)
        yield from found
        if len(found) < PAGE:
            return


def _ask(forge: Forge, method: str, address: str, body: Mapping[str, str] | None) -> Any:
    request = urllib.request.Request(  # noqa: S310 -- https, or this machine: see _safe
        address,
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={
            "Content-Type": "application/json",
            "User-Agent": "retable",
            **dict([forge.header]),
        },
    )
    place = urlsplit(address).hostname
    try:
        with _OPENER.open(request, timeout=SECONDS) as answer:
            return json.loads(answer.read(MAX_ANSWER))
    except urllib.error.HTTPError as error:
        error.close()
        message = f"{place} answered {error.code} to {method}"
        raise Stopped(message, "the token may lack the permission to write comments") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        message = f"{place} does not answer: {reason}"
        raise Stopped(message, "try again") from None
