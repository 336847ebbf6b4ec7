"""The engines that must meet the written expectations: our sandbox, dynalite, any endpoint."""

import os
from collections.abc import Iterator

import pytest

from retable.runner.sandbox.server import SandboxServer
from support.dynalite import dynalite_command, running_dynalite
from support.dynamodb_wire import Wire
from support.engines import Engine

ENDPOINT = os.environ.get("RETABLE_TEST_DYNAMODB")
ENGINES = [
    "sandbox",
    pytest.param("dynalite", marks=pytest.mark.dynalite),
    *(["endpoint"] if ENDPOINT else []),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    name: str = request.param
    if name == "sandbox":
        with SandboxServer() as server, Wire(server.endpoint) as wire:
            yield Engine(name, wire)
    elif name == "dynalite":
        with running_dynalite(dynalite_command()) as address, Wire(address) as wire:
            yield Engine(name, wire)
    else:
        with Wire(str(ENDPOINT)) as wire:
            yield Engine(name, wire)
