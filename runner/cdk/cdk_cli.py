"""The CDK command line's commands: synth, ls, deploy, import, with options that prompt for nothing.

A value from a spec is never an option: it is checked first, and no shell is used.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from retable.runner.aws.errors import SET_KEYS
from retable.runner.aws.session import ENDPOINT_VARIABLES
from retable.runner.cdk.assembly import Assembly, StackArtifact, read_assembly
from retable.runner.cdk.child_process import Ended, Order, run
from retable.runner.cdk.json_file import read_json
from retable.runner.cdk.program import Program, find_program, require_version
from retable.runner.clock import Clock
from retable.runner.failure import Failure, Refused, Stopped
from retable.runner.text.escape import shortened

ALWAYS = ("--no-version-reporting", "--no-notices", "--no-color", "--ci")
"""No telemetry, no notices, no colours; and everything on one stream."""
QUIET = {
    "CDK_DISABLE_CLI_TELEMETRY": "true",
    "CDK_DISABLE_VERSION_CHECK": "1",
    "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
    "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
}
VERSION_SECONDS, LIST_SECONDS = 120.0, 300.0
SYNTH_SECONDS = 1_800.0
"""Assets may be bundled in containers, which takes time."""
DEPLOY_SECONDS = 4 * 3_600.0
"""A table with indexes takes minutes; other resources of the stack may take longer."""
CONTEXT_KEY = re.compile(r"[A-Za-z0-9@_/.:][A-Za-z0-9@_/.:\- ]*")
OWN_CONTEXT = ("aws:", "cdk:")
"""Context keys that are reserved for the command line."""
STACK_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
"""The paths that can be named without being read as a pattern or an option."""
CHANGE_SET = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
SHOWN_LINES, SHOWN_CELLS = 5, 200
DEPLOY_OPTIONS = (
    "--exclusively",
    "--require-approval=never",
    "--method=change-set",
    "--progress=events",
    "--rollback",
)
NO_CREDENTIALS = ("no credentials have been configured", "Unable to resolve AWS account")
NO_LOOKUPS = "lookups have been disabled"
MISMATCH = "schema version mismatch"


@dataclass(frozen=True, slots=True)
class Watch:
    """Observes a command while it runs."""

    tick: Callable[[], None]
    """Called at intervals."""
    said: Callable[[str], None]
    """Called with every line that is printed."""


UNWATCHED = Watch(lambda: None, lambda _: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One stack of one assembly, to be deployed."""

    assembly: Assembly
    stack: StackArtifact
    change_set: str
    """The change set's name; a leftover one of that name is replaced."""
    imports_existing: bool = False
    """Whether existing resources with the same custom names are imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdk:
    """The CDK command line for one app."""

    program: Program
    version: str
    app: Path
    """The folder with cdk.json."""
    environ: Mapping[str, str]
    logs: Path
    """The folder for the commands' output."""
    clock: Clock

    def synthesize(
        self, context: Mapping[str, str], output: Path, watch: Watch = UNWATCHED
    ) -> Assembly:
        """Run the app with ``context``, write its assembly to ``output`` and return that.

        Existing output is replaced. Lookups are off: they would query the account and write to
        the app's folder.

        Raises:
            Refused: the app fails, or a key of the context is not allowed.
            Stopped: it takes too long, or needs credentials that are absent.
        """
        pairs = [option for pair in _context(context) for option in ("--context", pair)]
        if output.exists():
            shutil.rmtree(output)
        output.parent.mkdir(parents=True, exist_ok=True)
        arguments = ("synth", "--quiet", "--no-lookups", "--output", str(output.absolute()), *pairs)
        log = self.logs / f"synth-{output.name}.log"
        ended = self._run(arguments, self.app, log, SYNTH_SECONDS, watch)
        if ended.code:
            failure = failure_of("cdk synth", ended, log, Refused)
            raise failure
        return read_assembly(output)

    def require_readable(self, assembly: Assembly) -> None:
        """Check that this command line can read an assembly.

        Raises:
            Refused: it cannot.
        """
        log = self.logs / f"ls-{assembly.folder.name}.log"
        arguments = ("ls", "--app", str(assembly.folder))
        ended = self._run(arguments, assembly.folder, log, LIST_SECONDS)
        if any(MISMATCH in line for line in ended.lines):
            message = f"{self.program} {self.version} cannot read the assembly {assembly.folder}, "
            message += f"whose schema is {assembly.version}"
            needed = f" {assembly.needs_cli} or newer" if assembly.needs_cli else ", a newer one"
            raise Refused(message, f"install aws-cdk{needed}")
        if ended.code:
            failure = failure_of("cdk ls", ended, log, Refused)
            raise failure

    def deploy(self, deployment: Deployment, watch: Watch) -> Ended:
        """Deploy one stack, and none that it depends on; return how the command ended.

        The app does not run: the command works in the assembly's folder, which has no cdk.json.

        Raises:
            Stopped: it takes too long.
        """
        existing = ("--import-existing-resources",) if deployment.imports_existing else ()
        arguments = (*_target("deploy", deployment), *DEPLOY_OPTIONS, *self._toolkit(), *existing)
        return self._carry_out(arguments, deployment, watch)

    def import_resources(self, deployment: Deployment, mapping_file: Path, watch: Watch) -> Ended:
        """Import existing resources, which a JSON file names, into a stack.

        The file has ``{"LogicalId": {"TableName": "…"}}``.

        Raises:
            Stopped: it takes too long.
        """
        mapping_option = ("--resource-mapping", str(mapping_file.absolute()))
        # An import does not deploy other differences; without a terminal they cannot be confirmed.
        options = ("--force", "--yes", *mapping_option, *self._toolkit())
        arguments = (*_target("import", deployment), *options)
        return self._carry_out(arguments, deployment, watch)

    def _carry_out(self, arguments: Sequence[str], deployment: Deployment, watch: Watch) -> Ended:
        log = self.logs / f"{deployment.change_set}.log"
        return self._run(arguments, deployment.assembly.folder, log, DEPLOY_SECONDS, watch)

    def _toolkit(self) -> tuple[str, ...]:
        """Return the one setting of the app's cdk.json that deploying an assembly needs."""
        settings = self.app / "cdk.json"
        name = read_json(settings).get("toolkitStackName") if settings.is_file() else None
        known = isinstance(name, str) and CHANGE_SET.fullmatch(name)
        return ("--toolkit-stack-name", str(name)) if known else ()

    def _run(
        self,
        arguments: Sequence[str],
        folder: Path,
        log: Path,
        seconds: float,
        watch: Watch = UNWATCHED,
    ) -> Ended:
        order = Order(
            arguments=(*self.program.arguments, *arguments, *ALWAYS),
            folder=folder,
            environ=self.environ,
            log=log,
            seconds=seconds,
        )
        return run(order, self.clock, tick=watch.tick, said=watch.said)


def open_cdk(app: Path, environ: Mapping[str, str], logs: Path, clock: Clock) -> Cdk:
    """Return the command line for the app in the folder ``app``.

    ``environ`` is what ``cdk_environment`` returned; the commands' output goes to the folder
    ``logs``.

    Raises:
        Refused: the folder is not a CDK app, or there is no suitable command line.
    """
    if not (app / "cdk.json").is_file():
        message = f"{app} is not a CDK app: it has no cdk.json"
        raise Refused(message, "rebuild.provision.app is relative to the spec's folder")
    program = find_program(app, environ)
    order = Order(
        arguments=(*program.arguments, "--version"),
        folder=app,
        environ=environ,
        log=logs / "version.log",
        seconds=VERSION_SECONDS,
    )
    ended = run(order, clock, tick=UNWATCHED.tick, said=UNWATCHED.said)
    version = require_version(program, ended.lines, ended.code)
    return Cdk(program=program, version=version, app=app, environ=environ, logs=logs, clock=clock)


def cdk_environment(environ: Mapping[str, str], region: str, account: str) -> dict[str, str]:
    """Return the environment of the command line: the runner's account, region and endpoint."""
    own = {
        **environ,
        **QUIET,
        "AWS_REGION": region,
        "CDK_DEFAULT_ACCOUNT": account,
        "CDK_DEFAULT_REGION": region,
    }
    for name in own.keys() & {"AWS_ENDPOINT_URL", *ENDPOINT_VARIABLES.values()}:
        # S3 clients put the bucket's name before the host, which an IP address cannot have.
        own[name] = own[name].replace("//127.0.0.1", "//localhost", 1)
    return own


def failure_of(what: str, ended: Ended, log: Path, kind: type[Failure]) -> Failure:
    """Return the failure of a command, with the last lines of its output."""
    text = "\n".join(ended.lines)
    if any(sign in text for sign in NO_CREDENTIALS):
        return Stopped(f"{what} found no AWS credentials", SET_KEYS)
    if NO_LOOKUPS in text:
        message = f"{what} needs a context lookup in the account"
        return Refused(message, "run cdk synth in the app's folder once and keep cdk.context.json")
    last = [line for line in ended.lines if line.strip()][-SHOWN_LINES:]
    shown = " | ".join(shortened(line.strip(), SHOWN_CELLS) for line in last) or "no output"
    return kind(f"{what} ended with exit code {ended.code}: {shown}", f"its output is in {log}")


def _context(context: Mapping[str, str]) -> Iterator[str]:
    """Yield ``key=value`` for each entry; raises Refused if it cannot be passed."""
    for key, value in sorted(context.items()):
        if not CONTEXT_KEY.fullmatch(key) or key.startswith(OWN_CONTEXT):
            message = f"the context key {key!r} cannot be passed to the CDK command line"
            raise Refused(message, "use letters, digits and @ _ / . : - and no key reserved by CDK")
        if "\0" in value:
            message = f"the value of the context key {key} has a NUL character"
            raise Refused(message)
        yield f"{key}={value}"


def _target(command: str, deployment: Deployment) -> tuple[str, ...]:
    """Return a command's arguments, none of which can be read as an option or a pattern."""
    path, change_set = deployment.stack.path, deployment.change_set
    if not STACK_PATH.fullmatch(path):
        message = f"the stack path {path!r} cannot be named on the CDK command line"
        raise Refused(message, "use a stack id of letters, digits, dots and dashes")
    if not CHANGE_SET.fullmatch(change_set):
        message = f"{change_set!r} is not a change set name"
        raise Refused(message)
    folder = str(deployment.assembly.folder)
    return (command, path, "--app", folder, "--change-set-name", change_set)
