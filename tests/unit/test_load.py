"""load_spec: files that cannot be read, and what a spec remembers of its file."""

import hashlib
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retable.schema import load_spec
from retable.schema.load import MAX_BYTES
from retable.schema.problem import Problem, SpecError
from support.builders import build_spec, spec_text
from support.checkout import ROOT


def refusal(path: str | Path) -> Problem:
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    (problem,) = caught.value.problems
    return problem


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    problem = refusal(tmp_path / "gone.yaml")
    assert (problem.code, problem.message) == ("MIG101", "no such file")
    assert problem.file == str(tmp_path / "gone.yaml")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(str(tmp_path)).message == "is a folder, not a spec"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.touch(mode=0)
    assert refusal(path).message == "cannot be read: permission denied"


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "file.yaml/inner.yaml"])
def test_an_impossible_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.yaml").touch()
    assert refusal(f"{tmp_path}/{name}").code == "MIG101"


def test_a_file_beyond_a_mebibyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    assert refusal(path).code == "MIG102"
    path.write_bytes(b"#" * MAX_BYTES)
    assert refusal(path).code == "MIG104"


def test_bytes_that_are_not_utf_8_are_refused_where_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes("spec: 1\nname: é".encode() + b"\xff\n")
    problem = refusal(path)
    assert (problem.code, problem.span.line, problem.span.column) == ("MIG103", 2, 8)
    path.write_bytes("spec: 1\n".encode("utf-16"))
    assert refusal(path).code == "MIG103"


def test_a_spec_remembers_its_file_its_text_and_its_places(tmp_path: Path) -> None:
    spec = build_spec(tmp_path)
    path = tmp_path / "spec.migrate.yaml"
    origin = spec.origin
    assert (origin.file, origin.folder, origin.text) == (str(path), tmp_path, spec_text())
    assert origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert origin.span(("target", "table")).line == 4
    assert origin.span(("target", "key", "sort", "name")) == origin.span(("target", "key"))


def test_a_spec_pickles(tmp_path: Path) -> None:
    spec = build_spec(tmp_path, transform={"where": "a", "max_rejects": "1%"})
    assert pickle.loads(pickle.dumps(spec)) == spec  # noqa: S301 - made a moment ago


def test_the_error_carries_all_problems_in_the_order_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        build_spec(tmp_path, rebuild={"settle": "1s"}, name=12, target={"tabel": "x"})
    error = caught.value
    assert [problem.name for problem in error.problems] == [
        "wrong-type",
        "unknown-key",
        "settle-too-short",
    ]
    assert str(error).splitlines() == [str(problem) for problem in error.problems]
    assert error.text == (tmp_path / "spec.migrate.yaml").read_text()


def test_a_mistake_that_aliases_repeat_is_reported_once(tmp_path: Path) -> None:
    rows = "tests: [{name: a, given: {a: &x {n: no}, b: *x, c: *x}, expect: dropped}]\n"
    with pytest.raises(SpecError) as caught:
        build_spec(tmp_path, spec_text() + rows)
    assert [problem.name for problem in caught.value.problems] == ["ambiguous-scalar"]


def test_a_spec_of_a_hundred_lines_loads_in_a_blink() -> None:
    path = ROOT / "specs" / "orders.migrate.yaml"
    load_spec(path)
    started = time.perf_counter()
    load_spec(path)
    # Measured 0.01 s with libyaml and 0.04 s without; far above, so that a busy machine passes.
    assert time.perf_counter() - started < 1


def test_the_types_of_a_spec_come_without_the_yaml_and_schema_libraries() -> None:

    code = "import sys, retable.schema.spec; print({'yaml', 'jsonschema'} & set(sys.modules))"
    found = subprocess.run(  # noqa: S603 - this interpreter, fixed code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout == "set()\n"
