"""A stand-in for the CDK command line that deploys and imports in a moment, where many runs do so.

It makes the change sets that the real one makes, of the templates in an assembly. The tests that
hold us to the real one are ``tests/e2e/test_cdk*.py``.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import boto3

PROGRAM = """#!{python}
import sys
sys.path[:0] = {path!r}
from support.quick_cdk import main
sys.exit(main(sys.argv[1:]))
"""
VERSION = "2.1148.1 (build fcf5e34)"
SECONDS = 60.0


def install(folder: Path) -> Path:
    """Write the program into ``folder`` and return the folder, which goes first on the PATH."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / "cdk"
    program.write_text(PROGRAM.format(python=sys.executable, path=sys.path), "utf-8")
    program.chmod(0o755)
    return folder


def main(arguments: list[str]) -> int:
    """Do what the command line asks and return the exit code."""
    command = arguments[0]
    if command == "--version":
        _say(VERSION)
        return 0
    folder = Path(arguments[arguments.index("--app") + 1])
    ((_, artifact),) = json.loads((folder / "manifest.json").read_text("utf-8"))[
        "artifacts"
    ].items()
    if command == "ls":
        _say(artifact["properties"]["stackName"])
        return 0
    body = json.loads((folder / artifact["properties"]["templateFile"]).read_text("utf-8"))
    stack = _Stack(artifact["properties"]["stackName"])
    name = arguments[arguments.index("--change-set-name") + 1]
    if command == "import":
        mapping = Path(arguments[arguments.index("--resource-mapping") + 1])
        return stack.take(body, json.loads(mapping.read_text("utf-8")), name)
    return stack.deploy(body, name)


class _Stack:
    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Any = boto3.client("cloudformation", region_name=os.environ["AWS_REGION"])

    def deploy(self, body: dict[str, Any], change_set: str) -> int:
        """Make the stack what the template says."""
        there = self._status() is not None
        return self._carry_out(body, change_set, "UPDATE" if there else "CREATE")

    def take(self, body: dict[str, Any], named: dict[str, dict[str, str]], change_set: str) -> int:
        """Take resources into the stack, and change nothing else of it."""
        present = self._client.get_template(StackName=self._name, TemplateStage="Original")
        resources = {**present["TemplateBody"].get("Resources", {})}
        resources |= {logical_id: body["Resources"][logical_id] for logical_id in named}
        wanted = [
            {
                "ResourceType": resources[logical_id]["Type"],
                "LogicalResourceId": logical_id,
                "ResourceIdentifier": identifiers,
            }
            for logical_id, identifiers in named.items()
        ]
        whole = {**present["TemplateBody"], "Resources": resources}
        return self._carry_out(whole, change_set, "IMPORT", ResourcesToImport=wanted)

    def _carry_out(self, body: dict[str, Any], change_set: str, kind: str, **more: Any) -> int:
        named = {"StackName": self._name, "ChangeSetName": change_set}
        if self._status() is not None:
            self._client.delete_change_set(**named)
        self._client.create_change_set(
            **named, ChangeSetType=kind, TemplateBody=json.dumps(body), **more
        )
        made = self._await(lambda: self._client.describe_change_set(**named)["Status"])
        if made == "FAILED":
            reason = self._client.describe_change_set(**named).get("StatusReason", "")
            _say(reason)
            return 0 if "didn't contain changes" in reason else 1
        self._client.execute_change_set(**named)
        ended = self._await(lambda: self._status() or "GONE")
        _say(f"{self._name}: {ended}")
        return 0 if ended == f"{kind}_COMPLETE" else 1

    def _status(self) -> str | None:
        try:
            answer = self._client.describe_stacks(StackName=self._name)
        except self._client.exceptions.ClientError:
            return None
        return str(answer["Stacks"][0]["StackStatus"])

    @staticmethod
    def _await(ask: Any) -> str:
        deadline = time.monotonic() + SECONDS
        while (found := str(ask())).endswith(("_IN_PROGRESS", "_PENDING")):
            if time.monotonic() > deadline:
                return found
            time.sleep(0.02)
        return found


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
