"""A run in this process, step by step, against a sandbox of its own."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from retable.runner.aws.session import Aws, connect
from retable.runner.clock import SystemClock
from retable.runner.commands.sandbox_app import deploy_app
from retable.runner.plan.encoding import encode_plan, fingerprint
from retable.runner.plan.step import E, S, StepOf, link
from retable.runner.planning.compile import compile_plan
from retable.runner.planning.observe import observe
from retable.runner.progress import NoProgress
from retable.runner.runs.folder import new_folder
from retable.runner.runs.journal import open_journal
from retable.runner.sandbox.sandbox_options import SandboxOptions
from retable.runner.sandbox.seed import seed
from retable.runner.sandbox.server import SandboxServer
from retable.runner.steps.execute import execute
from retable.runner.steps.perform import perform
from retable.runner.steps.world import World
from retable.schema import load_spec
from retable.schema.spec import Spec
from retable.transforms import compile_mapping


class Run:
    """One run of a spec, whose steps a test carries out as it likes."""

    def __init__(self, world: World, client: Any, server: SandboxServer) -> None:
        self.world = world
        self.client = client
        self.server = server

    @property
    def aws(self) -> Aws:
        """Return the runner's own way to AWS."""
        return self.world.aws

    def until(self, step_id: str) -> None:
        """Carry out every step before ``step_id`` that is not done."""
        for step in self.world.plan.steps:
            if step.id == step_id:
                return
            if self.world.journal.evidence(step) is None:
                self.world.journal.finish(step, perform(step, self.world))

    def step(self, kind: type[S], step_id: str | None = None) -> S:
        """Return the plan's only step of ``kind``, or the one called ``step_id``."""
        steps = (step for step in self.world.plan.steps if isinstance(step, kind))
        (found,) = (step for step in steps if step_id in (None, step.id))
        return found

    def evidence(self, kind: type[StepOf[E]], step_id: str | None = None) -> E:
        """Return the evidence of that step."""
        found: E = self.world.evidence(link(self.step(kind, step_id)))
        return found

    def finish(self) -> None:
        """Carry out whatever is left, as a run does."""
        execute(self.world)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Return the items of a table."""
        pages = self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def written(self) -> str:
        """Return all that the run folder holds but items' own places."""
        folder = self.world.folder
        texts = [folder.plan.read_text("utf-8"), folder.journal.read_text("utf-8")]
        return "\n".join(texts)


@contextmanager
def running(
    spec_path: Path,
    folder: Path,
    options: SandboxOptions | None = None,
    before: Callable[[str], None] | None = None,
) -> Iterator[Run]:
    """Start a sandbox, seed it from the spec and plan a run, without carrying out a step.

    ``before`` is told the endpoint once that is seeded, and may change what the plan will see.
    """
    spec = load_spec(spec_path)
    with SandboxServer(options=options or SandboxOptions()) as server:
        seed(server.endpoint, spec, deploy_app)
        if before is not None:
            before(server.endpoint)
        aws = connect(spec.source.region, environ=server.environment())
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.endpoint,
            region_name=aws.region,
            aws_access_key_id="APPLICATION",
            aws_secret_access_key="secret",  # noqa: S106 -- any key opens the sandbox
        )
        with _world(spec, aws, folder) as world:
            yield Run(world, client, server)
        client.close()


@contextmanager
def _world(spec: Spec, aws: Aws, folder: Path) -> Iterator[World]:
    """Plan a run and open its journal."""
    plan = compile_plan(spec, observe(spec, aws, SystemClock(), folder / "planned"))
    place = new_folder(folder / ".migrate", "0000-0000")
    place.plan.write_bytes(encode_plan(plan))
    mark = fingerprint(plan)
    with open_journal(place.journal, mark, SystemClock()) as journal:
        yield World(
            spec=spec,
            mapping=compile_mapping(spec),
            plan=plan,
            fingerprint=mark,
            folder=place,
            journal=journal,
            connect=lambda: aws,
            clock=SystemClock(),
            progress=NoProgress(),
            random=random.Random(1),  # noqa: S311 -- jitter needs no secrecy
            processes=1,
            approve=lambda *_: f"test {os.getpid()}",
        )
