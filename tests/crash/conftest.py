"""What the killed runs of all files share: one process that starts them, one sandbox to copy."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from retable.runner.sandbox.sandbox_client import SandboxClient
from support.copied_sandbox import CopiedSandbox, copied_sandbox
from support.crashes import World
from support.killed import KilledRuns


@pytest.fixture(scope="session")
def runs() -> Iterator[KilledRuns]:
    runs = KilledRuns()
    yield runs
    runs.close()


@pytest.fixture(scope="session")
def sandbox() -> Iterator[CopiedSandbox]:
    with copied_sandbox() as sandbox:
        with closing(SandboxClient(sandbox.endpoint, "RUNNER")) as client:
            client.create_bucket("acme-exports")
        yield sandbox


@pytest.fixture
def world(runs: KilledRuns, sandbox: CopiedSandbox, tmp_path: Path) -> Iterator[World]:
    """Yield a sandbox of the test's own with nothing in it but a bucket, and an empty folder."""
    folder = tmp_path / "world"
    folder.mkdir()
    with sandbox.copy() as own:
        yield World(runs=runs, sandbox=own, folder=folder)
