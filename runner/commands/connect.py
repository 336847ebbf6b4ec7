"""Clients of AWS, or of a sandbox in this process."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import click

from retable.runner.aws.session import Aws, connect
from retable.schema.spec import Spec


@contextmanager
def environment(spec: Spec, *, sandbox: bool) -> Iterator[Mapping[str, str]]:
    """Yield the environment that configures AWS: the process's own, or a seeded sandbox's."""
    if not sandbox:
        yield os.environ
        return
    from retable.runner.commands.sandbox_app import deploy_app
    from retable.runner.sandbox.seed import seed
    from retable.runner.sandbox.server import SandboxServer

    with SandboxServer() as server:
        filled = seed(server.endpoint, spec, deploy_app)
        click.echo(
            f"sandbox: table {filled.table} with {filled.items:,} items at {server.endpoint}",
            err=True,
        )
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        yield {**own, **server.environment()}


def connector(spec: Spec, environ: Mapping[str, str]) -> Callable[[], Aws]:
    """Return a function that connects to AWS at its first call and keeps the client."""
    opened: list[Aws] = []

    def opener() -> Aws:
        if not opened:
            owner = spec.source.export.bucket_owner
            opened.append(connect(spec.source.region, environ=environ, bucket_owner=owner))
        return opened[0]

    return opener
