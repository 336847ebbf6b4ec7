"""The sample pull request: the steps of ``action.yml`` and of the GitLab job, outputs golden.

``UPDATE_CASES=1`` writes the golden files again, to be read in review.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.checkout import ROOT
from support.command import MIGRATE, clean_environment

SAMPLE = ROOT / "docs" / "sample"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
GITLAB = yaml.safe_load((ROOT / ".gitlab" / "migrate.gitlab-ci.yml").read_text("utf-8"))
IDENTITY = {
    f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone of the sample with the pull request's change in it."""
    folder = tmp_path / "tables"
    shutil.copytree(SAMPLE / "specs", folder / "specs")
    for command in ("init -q -b main", "add .", "commit -q -m main"):
        call(["git", *command.split()], folder, {})
    shutil.copy(SAMPLE / "pull-request" / "orders.migrate.yaml", folder / "specs")
    return folder


def call(
    command: list[str], folder: Path, environ: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    path = f"{MIGRATE.parent}{os.pathsep}{os.environ['PATH']}"
    quiet = {"GIT_CONFIG_GLOBAL": os.devnull, "GITHUB_ACTIONS": "", "PATH": path}
    return subprocess.run(  # noqa: S603 -- our own scripts
        command,
        cwd=folder,
        env=clean_environment({**quiet, **IDENTITY, **environ}),
        capture_output=True,
        text=True,
        check=False,
    )


def compare(found: str, name: str) -> None:
    golden = SAMPLE / "outputs" / name
    if os.environ.get("UPDATE_CASES"):
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8")


def steps(folder: Path, **inputs: str) -> dict[str, "subprocess.CompletedProcess[str]"]:
    """Carry out the action's steps as a runner does, ``if`` and expressions done by hand."""
    values = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs
    known = {f"${{{{ inputs.{name} }}}}": value for name, value in values.items()}
    known["${{ runner.temp }}/migrate"] = str(folder.parent / "temp")
    files = {
        "GITHUB_STEP_SUMMARY": str(folder.parent / "summary.md"),
        "GITHUB_OUTPUT": str(folder.parent / "outputs.txt"),
    }
    done = {}
    for step in ACTION["runs"]["steps"]:
        environ = {name: known[value] for name, value in step.get("env", {}).items()}
        script = step["run"].replace("migrate comment --post", "migrate comment")
        if step["name"] != "install":
            shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
            done[step["name"]] = call(shell, folder, {**files, **environ})
    return done


def test_the_pull_request_is_told_what_is_wrong_and_what_it_means(repository: Path) -> None:
    done = steps(repository, base="main", comment="true")
    assert {name: step.returncode for name, step in done.items()} == {
        "lint": 1,
        "test": 1,
        "changes": 0,
        "comment": 0,
    }, done
    compare(done["lint"].stdout, "log.txt")
    compare((repository.parent / "summary.md").read_text("utf-8"), "summary.md")
    compare((repository.parent / "outputs.txt").read_text("utf-8"), "outputs.txt")
    compare(done["comment"].stdout, "comment.md")


def test_once_put_right_only_what_is_unwise_is_left(repository: Path) -> None:
    spec = repository / "specs" / "orders.migrate.yaml"
    call([str(MIGRATE), "lint", "--fix"], repository, {})
    assert 'total_cents: "multiply(total, `100`)"' in spec.read_text("utf-8")
    done = steps(repository)
    assert done["lint"].returncode == 0
    compare(done["lint"].stdout, "log-after-fix.txt")


def test_what_a_pull_request_names_is_not_run(repository: Path) -> None:
    names = ("a;touch owned;.migrate.yaml", "$(touch owned).migrate.yaml", "--fix.migrate.yaml")
    for name in names:
        shutil.copy(repository / "specs" / "orders.migrate.yaml", repository / "specs" / name)
    call(["git", "add", "."], repository, {})
    call(["git", "commit", "-q", "-m", "hostile"], repository, {})
    for name in names:
        with (repository / "specs" / name).open("a") as stream:
            stream.write("# changed\n")
    steps(repository, base="main", comment="true")
    assert not list(repository.rglob("owned"))


def test_no_input_is_put_into_a_script_as_text() -> None:
    scripts: list[Any] = [step["run"] for step in ACTION["runs"]["steps"]]
    assert not any("${{" in script for script in scripts)


def test_gitlab_gets_its_reports(repository: Path) -> None:
    job = GITLAB["migrate"]
    script = "\n".join(job["script"])
    done = call(["sh", "-e", "-c", script], repository, GITLAB["variables"])
    assert done.returncode == 1
    reports = job["artifacts"]["reports"]
    found = (repository / reports["codequality"]).read_text("utf-8")
    compare(found, "code-quality.json")
    assert {entry["severity"] for entry in json.loads(found)} == {"major", "minor"}
    assert (repository / reports["junit"]).read_text("utf-8").startswith("<?xml")


def test_the_hooks_before_a_commit_run_as_they_are_declared(repository: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for hook in hooks] == ["migrate-lint", "migrate-fix", "migrate-test"]
    for hook, code in zip(hooks, (1, 0, 1), strict=True):
        done = call([*hook["entry"].split(), "specs/orders.migrate.yaml"], repository, {})
        assert done.returncode == code, (hook["id"], done.stdout, done.stderr)
