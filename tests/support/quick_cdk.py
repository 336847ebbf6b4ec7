"""A stand-in for the CDK command line that deploys and imports in a moment, where many runs do so.

It makes the change sets that the real one makes, of the templates in an assembly. The tests that
hold us to the real one are ``tests/e2e/test_cdk*.py``. It needs no library: most of a short
program's time goes into loading those.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

VERSION = "2.1148.1 (build fcf5e34)"
SECONDS = 60.0


def install(folder: Path) -> Path:
    """Write the program into ``folder`` and return the folder, which goes first on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "cdk"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{__file__}" "$@"\n', "utf-8")
    program.chmod(0o755)
    return folder


def main(arguments: list[str]) -> int:
    """Do what the command line asks and return the exit code."""
    command = arguments[0]
    if command == "--version":
        _say(VERSION)
        return 0
    folder = Path(arguments[arguments.index("--app") + 1])
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (artifact,) = manifest["artifacts"].values()
    properties = artifact["properties"]
    if command == "ls":
        _say(properties["stackName"])
        return 0
    body = json.loads((folder / properties["templateFile"]).read_text("utf-8"))
    stack = _Stack(properties["stackName"])
    name = arguments[arguments.index("--change-set-name") + 1]
    if command == "import":
        mapping = Path(arguments[arguments.index("--resource-mapping") + 1])
        return stack.take(body, json.loads(mapping.read_text("utf-8")), name)
    return stack.deploy(body, name)


class _Stack:
    def __init__(self, name: str) -> None:
        self._name = name

    def deploy(self, body: dict[str, Any], change_set: str) -> int:
        """Make the stack what the template says."""
        there = self._status() is not None
        return self._carry_out(body, change_set, "UPDATE" if there else "CREATE")

    def take(self, body: dict[str, Any], named: dict[str, dict[str, str]], change_set: str) -> int:
        """Take resources into the stack, and change nothing else of it."""
        answer = _ask("GetTemplate", StackName=self._name, TemplateStage="Original")
        present = json.loads(_text(answer, "TemplateBody") or "{}")
        resources = dict(present.get("Resources", {}))
        resources |= {logical_id: body["Resources"][logical_id] for logical_id in named}
        wanted: dict[str, str] = {}
        for number, (logical_id, identifiers) in enumerate(named.items(), 1):
            ((key, value),) = identifiers.items()
            member = f"ResourcesToImport.member.{number}."
            wanted |= {
                f"{member}ResourceType": resources[logical_id]["Type"],
                f"{member}LogicalResourceId": logical_id,
                f"{member}ResourceIdentifier.entry.1.key": key,
                f"{member}ResourceIdentifier.entry.1.value": value,
            }
        return self._carry_out({**present, "Resources": resources}, change_set, "IMPORT", **wanted)

    def _carry_out(self, body: dict[str, Any], change_set: str, kind: str, **more: str) -> int:
        named = {"StackName": self._name, "ChangeSetName": change_set}
        if self._status() is not None:
            _ask("DeleteChangeSet", **named)
        _ask(
            "CreateChangeSet",
            **named,
            ChangeSetType=kind,
            TemplateBody=json.dumps(body),
            **more,
        )
        made = _await(lambda: _text(_ask("DescribeChangeSet", **named), "Status"))
        if made == "FAILED":
            reason = _text(_ask("DescribeChangeSet", **named), "StatusReason") or ""
            _say(reason)
            return 0 if "didn't contain changes" in reason else 1
        _ask("ExecuteChangeSet", **named)
        ended = _await(self._status)
        _say(f"{self._name}: {ended}")
        return 0 if ended == f"{kind}_COMPLETE" else 1

    def _status(self) -> str | None:
        try:
            return _text(_ask("DescribeStacks", StackName=self._name), "StackStatus")
        except urllib.error.HTTPError:
            return None


def _ask(action: str, **parameters: str) -> ET.Element:
    """Return what CloudFormation answers; the sandbox looks at no signature."""
    body = urllib.parse.urlencode({"Action": action, "Version": "2010-05-15", **parameters})
    scope = f"RUNNER/20260101/{os.environ['AWS_REGION']}/cloudformation/aws4_request"
    signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=none"
    request = urllib.request.Request(  # noqa: S310 -- the sandbox, on loopback
        os.environ["AWS_ENDPOINT_URL"], body.encode(), {"Authorization": signed}
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 -- the same
        return ET.fromstring(answer.read())  # noqa: S314 -- our own sandbox's answer


def _text(answer: ET.Element, member: str) -> str | None:
    """Return the first element of that name, whatever its namespace."""
    found = (one.text for one in answer.iter() if one.tag.rpartition("}")[2] == member)
    return next(found, None)


def _await(ask: Callable[[], str | None]) -> str:
    deadline = time.monotonic() + SECONDS
    while (found := ask() or "GONE").endswith(("_IN_PROGRESS", "_PENDING")):
        if time.monotonic() > deadline:
            return found
        time.sleep(0.02)
    return found


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
