"""The CDK command line: which one runs, with which arguments, and how each failure is reported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from retable.runner.cdk.assembly import read_assembly
from retable.runner.cdk.cdk_cli import Cdk, Deployment, Watch, cdk_environment, open_cdk
from retable.runner.cdk.child_process import MAX_LOG_BYTES
from retable.runner.cdk.locate import find_stack
from retable.runner.cdk.program import find_program
from retable.runner.clock import SystemClock
from retable.runner.failure import Refused, Stopped
from support.assemblies import CASES, ORDERS, orders, write_assembly
from support.fake_cdk import (
    FakeCdk,
    app_folder,
    given_environment,
    is_alive,
    opened,
    real_cdk,
)
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ManualClock

REAL = real_cdk()
CONTEXT = {"orders-table": "absent"}


def test_the_command_line_beside_the_app_comes_before_the_one_on_the_path(tmp_path: Path) -> None:
    app = app_folder(tmp_path / "work" / "infra")
    path = FakeCdk(tmp_path / "bin")
    environ = {"PATH": str(path.folder)}
    assert find_program(app, environ).arguments == (str(path.path),)
    above = FakeCdk(tmp_path / "work" / "node_modules" / ".bin")
    assert find_program(app, environ).arguments == (str(above.path),)
    beside = FakeCdk(app / "node_modules" / ".bin")
    assert find_program(app, environ).arguments == (str(beside.path),)


def test_npx_is_the_last_resort_and_installs_nothing(tmp_path: Path) -> None:
    npx = FakeCdk(tmp_path / "bin").path.rename(tmp_path / "bin" / "npx")
    found = find_program(app_folder(tmp_path / "app"), {"PATH": str(npx.parent)})
    assert found.arguments == (str(npx), "--no-install", "cdk")


def test_a_missing_command_line_is_refused_with_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"node_modules/.bin .*, on the PATH, and for npx") as caught:
        find_program(app_folder(tmp_path / "app"), {"PATH": str(tmp_path)})
    assert str(caught.value.hint).startswith("npm install aws-cdk@2")


def test_a_folder_without_cdk_json_is_not_an_app(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"is not a CDK app: it has no cdk\.json"):
        open_cdk(tmp_path, {}, tmp_path, SystemClock())


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"version": "3.0.0 (build 1)"}, r"is version 3\.0\.0, expected 2\.x"),
        ({"version": "hello"}, "printed no version"),
        ({"version": "2.1.0", "version_exit": 1}, "ended with exit code 1"),
    ],
)
def test_an_unknown_version_is_refused(wanted: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=words):
        opened(tmp_path, FakeCdk(tmp_path / "bin", **wanted))


def test_a_warning_before_the_version_is_skipped(tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin", version="!! Node 20 is old !!\n2.1148.1 (build x)")
    assert opened(tmp_path, fake).version == "2.1148.1"


def test_synth_writes_the_assembly_of_a_context_to_the_given_folder(tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin", assembly=str(CASES / "absent"))
    cdk = opened(tmp_path, fake)
    output = tmp_path / "run" / "absent"
    (output / "old").mkdir(parents=True)
    assembly = cdk.synthesize({"b": "two=2 $(x)", "a-a": "-1"}, output)
    assert assembly.folder == output
    assert not (output / "old").exists()
    call = fake.calls[-1]
    assert call["arguments"] == [
        *["synth", "--quiet", "--no-lookups", "--output", str(output)],
        *["--context", "a-a=-1", "--context", "b=two=2 $(x)"],
        *["--no-version-reporting", "--no-notices", "--no-color", "--ci"],
    ]
    assert call["folder"] == str(cdk.app)


@pytest.mark.parametrize("key", ["--app", "-c", "a=b", "", "a\nb", "aws:x", "cdk:y", "a\0"])
def test_a_context_key_cannot_become_an_option(key: str, tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin")
    with pytest.raises(Refused, match="cannot be passed to the CDK command line"):
        opened(tmp_path, fake).synthesize({key: "x"}, tmp_path / "out")
    assert [call["arguments"] for call in fake.calls] == [["--version"]]


def test_a_value_that_no_argument_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="NUL"):
        opened(tmp_path, FakeCdk(tmp_path / "bin")).synthesize({"k": "a\0b"}, tmp_path / "out")


def test_a_failed_app_is_reported_with_its_last_lines_escaped(tmp_path: Path) -> None:
    lines = [*map(str, range(99)), "\x1b[31mTypeError\x1b[0m: no\u202e", "  at app.py"]
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin", say=lines, exit=1))
    with pytest.raises(Refused) as caught:
        cdk.synthesize(CONTEXT, tmp_path / "absent")
    assert caught.value.message == (
        "cdk synth ended with exit code 1: 96 | 97 | 98 | TypeError: no\\u202e | at app.py"
    )
    log = tmp_path / "logs" / "synth-absent.log"
    assert caught.value.hint == f"its output is in {log}"
    assert len(log.read_text("utf-8").splitlines()) == 101


def test_an_app_that_fails_without_output_is_reported_as_such(tmp_path: Path) -> None:
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin", exit=7))
    with pytest.raises(Refused, match="exit code 7: no output"):
        cdk.synthesize(CONTEXT, tmp_path / "absent")


def test_a_synth_that_succeeds_and_writes_nothing_is_refused(tmp_path: Path) -> None:
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin"))
    with pytest.raises(Refused, match="is not a cloud assembly"):
        cdk.synthesize(CONTEXT, tmp_path / "absent")


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        (
            "Need to perform AWS calls for account 1, but no credentials have been configured",
            Stopped,
            "found no AWS credentials",
        ),
        (
            "Context lookups have been disabled. Make sure all necessary context is there",
            Refused,
            "needs a context lookup",
        ),
    ],
)
def test_missing_credentials_and_context_are_named(
    line: str, kind: type[Exception], words: str, tmp_path: Path
) -> None:
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin", say=[line], exit=1))
    with pytest.raises(kind, match=words):
        cdk.synthesize(CONTEXT, tmp_path / "absent")


def test_secrets_are_kept_out_of_logs_and_messages(tmp_path: Path) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG"  # noqa: S105 -- made up for this
    fake = FakeCdk(tmp_path / "bin", say=["the key is SECRET!"], exit=1)
    cdk = opened(tmp_path, fake, AWS_SECRET_ACCESS_KEY=secret)
    heard: list[str] = []
    with pytest.raises(Refused, match=r"the key is \*\*\*!"):
        cdk.synthesize(CONTEXT, tmp_path / "absent", Watch(lambda: None, heard.append))
    assert heard == ["the key is ***!"]
    assert secret not in (tmp_path / "logs" / "synth-absent.log").read_text("utf-8")


def test_the_log_is_bounded_however_much_is_printed(tmp_path: Path) -> None:
    flood = 3 * MAX_LOG_BYTES
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin", flood=flood, exit=1))
    with pytest.raises(Refused):
        cdk.synthesize(CONTEXT, tmp_path / "absent")
    log = tmp_path / "logs" / "synth-absent.log"
    assert log.stat().st_size <= MAX_LOG_BYTES + 100
    assert log.read_text("utf-8").endswith("… truncated\n")


@pytest.mark.parametrize("hang", ["loudly", "quietly"])
def test_a_command_that_takes_too_long_is_ended_with_all_it_started(
    hang: str, tmp_path: Path
) -> None:
    fake = FakeCdk(tmp_path / "bin", hang=hang)
    clock = ManualClock()
    cdk = opened(tmp_path, fake, clock)

    def tick() -> None:
        if fake.pids:
            clock.sleep(100_000)

    with pytest.raises(Stopped, match="did not end within"):
        cdk.synthesize(CONTEXT, tmp_path / "absent", Watch(tick, lambda _: None))
    assert not any(map(is_alive, fake.pids))


def test_an_interruption_ends_the_command_with_all_it_started(tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin", hang="loudly")
    cdk = opened(tmp_path, fake)

    def tick() -> None:
        if fake.pids:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cdk.synthesize(CONTEXT, tmp_path / "absent", Watch(tick, lambda _: None))
    assert not any(map(is_alive, fake.pids))


def test_a_runner_that_is_killed_leaves_no_command_behind(tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin", hang="loudly")
    program = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from support.fake_cdk import FakeCdk, opened\n"
        "folder = Path(sys.argv[1])\n"
        "fake = FakeCdk(folder / 'bin', hang='loudly')\n"
        "opened(folder, fake).synthesize({'a': 'b'}, folder / 'absent')\n"
    )
    runner = subprocess.Popen(  # noqa: S603 -- our own program in our own interpreter
        [sys.executable, "-c", program, str(tmp_path), *sys.path]
    )
    _await(lambda: bool(fake.pids))
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    _await(lambda: not any(map(is_alive, fake.pids)))


def test_a_deployment_is_of_one_stack_of_one_assembly_and_runs_nothing_of_the_app(
    tmp_path: Path,
) -> None:
    fake = FakeCdk(tmp_path / "bin", say=["deployed"])
    cdk = opened(tmp_path, fake)
    app_folder(cdk.app, toolkitStackName="MyToolkit", build="rm -rf /")
    deployment = _deployment(imports_existing=True)
    ended = cdk.deploy(deployment, Watch(lambda: None, lambda _: None))
    assert (ended.code, ended.lines) == (0, ("deployed",))
    call = fake.calls[-1]
    assert call["arguments"] == [
        *["deploy", "OrdersStack", "--app", str(CASES / "absent")],
        *["--change-set-name", "retable-0000-absent", "--exclusively"],
        *["--require-approval=never", "--method=change-set", "--progress=events", "--rollback"],
        *["--toolkit-stack-name", "MyToolkit", "--import-existing-resources"],
        *["--no-version-reporting", "--no-notices", "--no-color", "--ci"],
    ]
    assert call["folder"] == str(CASES / "absent")


def test_an_import_names_its_resources_in_a_file(tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin")
    names = tmp_path / "names.json"
    ended = opened(tmp_path, fake).import_resources(
        _deployment(), names, Watch(lambda: None, lambda _: None)
    )
    assert ended.code == 0
    assert fake.calls[-1]["arguments"][:10] == [
        *["import", "OrdersStack", "--app", str(CASES / "absent")],
        *["--change-set-name", "retable-0000-absent", "--force", "--yes"],
        *["--resource-mapping", str(names)],
    ]


@pytest.mark.parametrize("path", ["--all", "Orders*", "{a,b}", "!Other", "Prod Data", ""])
def test_a_stacks_path_cannot_become_an_option_or_a_pattern(path: str, tmp_path: Path) -> None:
    fake = FakeCdk(tmp_path / "bin")
    deployment = _deployment()
    object.__setattr__(deployment.stack, "path", path)
    with pytest.raises(Refused, match="cannot be named on the CDK command line"):
        opened(tmp_path, fake).deploy(deployment, Watch(lambda: None, lambda _: None))
    assert len(fake.calls) == 1


@pytest.mark.parametrize("name", ["--execute", "1a", "a" * 129, "a_b", ""])
def test_a_change_set_has_a_name_that_cloudformation_allows(name: str, tmp_path: Path) -> None:
    deployment = Deployment(
        assembly=_deployment().assembly, stack=orders("absent"), change_set=name
    )
    with pytest.raises(Refused, match="is not a change set name"):
        opened(tmp_path, FakeCdk(tmp_path / "bin")).deploy(
            deployment, Watch(lambda: None, lambda _: None)
        )


def test_an_assembly_too_new_for_the_command_line_is_refused(tmp_path: Path) -> None:
    line = "Cloud assembly schema version mismatch: Maximum schema version supported is 44.x.x"
    cdk = opened(tmp_path, FakeCdk(tmp_path / "bin", say=[line], exit=1))
    with pytest.raises(Refused, match=r"2\.1148\.1 cannot read .* whose schema is 55\.0\.0") as no:
        cdk.require_readable(_deployment().assembly)
    assert no.value.hint == "install aws-cdk 2.1148.0 or newer"
    broken = opened(tmp_path, FakeCdk(tmp_path / "bin", say=["broken"], exit=1))
    with pytest.raises(Refused, match="cdk ls ended with exit code 1: broken"):
        broken.require_readable(_deployment().assembly)


def test_the_environment_names_account_region_and_an_endpoint_that_buckets_can_precede() -> None:
    given = {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000", "AWS_PROFILE": "p", "HOME": "/h"}
    own = cdk_environment(given, "eu-west-1", "123456789012")
    assert own["AWS_ENDPOINT_URL"] == "http://localhost:5000"
    assert (own["CDK_DEFAULT_ACCOUNT"], own["CDK_DEFAULT_REGION"]) == ("123456789012", "eu-west-1")
    assert (own["AWS_REGION"], own["AWS_PROFILE"], own["HOME"]) == ("eu-west-1", "p", "/h")
    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:5000"


@pytest.mark.skipif(REAL is None, reason="no CDK command line: set RETABLE_CDK or put it on PATH")
def test_the_real_command_line_synthesizes_what_is_checked_in(tmp_path: Path) -> None:
    pytest.importorskip("aws_cdk", reason="aws-cdk-lib is not installed")
    cdk = _real(tmp_path)
    # Any interpreter but this one may lack aws-cdk-lib.
    command = f"{sys.executable} {CASES / 'app' / 'app.py'}"
    (cdk.app / "cdk.json").write_text(json.dumps({"app": command}), "utf-8")
    assembly = cdk.synthesize(CONTEXT, tmp_path / "absent")
    found = find_stack(assembly, "OrdersStack").template.body["Resources"]
    assert found == orders("absent").template.body["Resources"]
    assert ORDERS not in found
    cdk.require_readable(assembly)


@pytest.mark.skipif(REAL is None, reason="no CDK command line: set RETABLE_CDK or put it on PATH")
def test_the_real_command_line_fails_like_the_fake(tmp_path: Path) -> None:
    cdk = _real(tmp_path)
    (cdk.app / "cdk.json").write_text(json.dumps({"app": "echo broken app && exit 3"}), "utf-8")
    with pytest.raises(Refused, match=r"cdk synth ended with exit code 1: .*broken app"):
        cdk.synthesize(CONTEXT, tmp_path / "absent")
    newer = write_assembly(tmp_path / "newer", {}, version="999.0.0")
    deployment = _deployment()
    object.__setattr__(deployment.assembly, "folder", newer)
    with pytest.raises(Refused, match="cannot read the assembly"):
        cdk.require_readable(deployment.assembly)


def _real(folder: Path) -> Cdk:
    assert REAL is not None
    environ = given_environment({"PATH": f"{Path(REAL).parent}:{os.environ['PATH']}"})
    environment = cdk_environment(environ, "eu-west-1", "123456789012")
    return open_cdk(app_folder(folder / "app"), environment, folder / "logs", SystemClock())


def _deployment(*, imports_existing: bool = False) -> Deployment:

    assembly = read_assembly(CASES / "absent")
    return Deployment(
        assembly=assembly,
        stack=find_stack(assembly, "OrdersStack"),
        change_set="retable-0000-absent",
        imports_existing=imports_existing,
    )


def _await(condition: Any) -> None:
    """Wait until something holds, for so long at most."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.05)
