"""Every engine answers every case of ``cases/`` as it is written there."""

import json
from typing import Any

import pytest

from support.engines import CASES, SHAPES, Engine, filled_in, lacks, shapes_of


def _all_cases() -> list[Any]:
    return [
        pytest.param(case, id=f"{path.stem}: {case['name']}")
        for path in sorted(CASES.glob("*.json"))
        if path.stem != "tables"
        for case in json.loads(path.read_text())
    ]


@pytest.mark.parametrize("case", _all_cases())
def test_the_engine_answers_as_written(case: dict[str, Any], engine: Engine) -> None:
    _skip_where_known_to_differ(case, engine)
    for step in case["steps"]:
        reply = engine.wire.ask(step["ask"], filled_in(step["with"], engine))
        wanted = step["then"]
        assert reply.code == wanted.get("error"), f"{step['ask']}: {reply.message:.300}"
        if engine.name == "sandbox":
            assert wanted.get("says", "") in reply.message
        assert lacks(filled_in(wanted.get("answer", {}), engine), reply.body) is None


def test_no_two_cases_of_a_file_share_a_name() -> None:
    names = [case.id for case in _all_cases()]
    assert len(set(names)) == len(names)


def _skip_where_known_to_differ(case: dict[str, Any], engine: Engine) -> None:
    known = dict(case.get("engines", {}))
    for shape in shapes_of(case["steps"]):
        known.update(SHAPES[shape].get("engines", {}))
    if engine.name in known:
        pytest.skip(f"{engine.name} {known[engine.name]}")
