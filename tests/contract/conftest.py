"""The engines that are held to the written expectations: our sandbox, dynalite, any endpoint."""

import os
from collections.abc import Iterator

import pytest

from retable.runner.sandbox.server import SandboxServer
from support.dynalite import dynalite_command, running_dynalite
from support.dynamodb_wire import Wire
from support.engines import Engine

INSTALL = "dynalite is not installed: npm install dynalite@4.0.0"


@pytest.fixture(
    scope="module",
    params=["sandbox", pytest.param("dynalite", marks=pytest.mark.dynalite), "endpoint"],
)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    name: str = request.param
    if name == "sandbox":
        with SandboxServer() as server, Wire(server.endpoint) as wire:
            yield Engine(name, wire)
    elif name == "dynalite":
        command = dynalite_command()
        if command is None:
            stop = pytest.fail if os.environ.get("CI") else pytest.skip
            stop(INSTALL)
            return
        with running_dynalite(command) as address, Wire(address) as wire:
            yield Engine(name, wire)
    else:
        endpoint = os.environ.get("RETABLE_TEST_DYNAMODB")
        if endpoint is None:
            pytest.skip("RETABLE_TEST_DYNAMODB names no endpoint")
        with Wire(endpoint) as wire:
            yield Engine(name, wire)
