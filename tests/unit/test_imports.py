"""Nothing heavy is imported before it is needed."""

import json
import subprocess
import sys
from typing import Any

import pytest

from support.checkout import ROOT
from support.patience import PATIENCE_SECONDS

HEAVY = ("httptools", "boto3", "botocore", "duckdb", "moto", "pyarrow")
PROGRAM = """
import json, sys
from retable.runner.cli import main
sys.argv[0] = "migrate"
try:
    main()
except SystemExit as end:
    code = end.code or 0
else:
    code = 0
print("\\n" + json.dumps({"code": code, "modules": sorted(sys.modules)}))
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["run", "--help"], ["lint", "specs"], ["test", "specs", "--allow-functions"]],
    ids=" ".join,
)
def test_a_light_command_imports_nothing_heavy(arguments: list[str]) -> None:
    answer = _run(PROGRAM, *arguments)
    assert answer["code"] == 0
    assert [name for name in HEAVY if name in answer["modules"]] == []


def test_the_pytest_plugin_imports_nothing_heavy() -> None:
    program = (
        "import json, sys, retable.runner.pytest_plugin\n"
        "print(json.dumps({'modules': sorted(sys.modules)}))"
    )
    modules = _run(program)["modules"]
    assert [name for name in (*HEAVY, "jsonschema", "jmespath", "yaml") if name in modules] == []


def _run(program: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 -- our own program in our own interpreter
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
