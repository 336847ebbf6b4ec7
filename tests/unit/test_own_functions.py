"""Functions of a spec's own: what their file declares is read, and run only with leave."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from retable.runner.spec.own_functions import with_functions
from retable.schema import load_spec
from retable.schema.problem import SpecError
from retable.schema.reasons import Reason
from retable.schema.spec import Functions
from retable.transforms.functions.custom import (
    FunctionsError,
    declared_functions,
    load_functions,
)
from retable.transforms.item_outcome import Rejected
from retable.transforms.mapping import Mapping
from support.mapping_specs import field, line, made, mapping
from support.small_specs import MAILED, with_functions_spec

HEAD = "from decimal import Decimal\nfrom retable.transforms import function\n"


def functions(body: str, signature: str = "own(value: any) -> any") -> Functions:
    text = f'{HEAD}@function("{signature}")\ndef own(value):\n    {body}\n'
    return Functions(file="own.py", text=text, allowed=True)


def own(body: str, item: Any = None) -> Any:
    """Return the outcome of an item whose attribute goes through a function with that body."""
    mapped = mapping(field("made", "own(a)"), copy=("id",), functions=functions(body))
    return mapped.apply(line({"id": {"S": "1"}, "a": item or {"S": "secret"}}))


def test_a_function_is_declared_by_its_signature_and_its_first_line() -> None:
    text = HEAD + '@function("tier(total: number, of?: string[]) -> string")\n'
    text += 'def tier(total, of=()):\n    """Gold from 100 up."""\n'
    (found,) = declared_functions(Functions(file="f.py", text=text))
    assert (found.usage, found.summary) == ("tier(total, [of])", "Gold from 100 up")
    assert (found.least, found.most) == (1, 2)


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        ("def (", "not valid Python: invalid syntax", 1),
        ("\0", "not valid Python: ", None),
        ("@function\ndef a(): ...", "@function takes one string, the signature, such as", 2),
        ("@function(1)\ndef a(): ...", "@function takes one string, the signature, such as", 2),
        ("@function('a() -> x')\ndef a(): ...", "the signature of a() must read such as", 2),
        ("@function('b(x: any) -> any')\ndef a(x): ...", "the signature of a() names b()", 2),
        ("@function('a(x: any) -> any')\ndef a(): ...", "a() does not match its signature", 2),
        (
            "@function('a(x: any) -> any')\ndef a(x, *, y): ...",
            "a() does not match its signature",
            2,
        ),
        ("@function('a(...x: any) -> any')\ndef a(x): ...", "a() does not match its signature", 2),
        (
            "@function('lower(x: any) -> any')\ndef lower(x): ...",
            "there is already a function lower()",
            2,
        ),
        ("@function('a(x: any) -> any')\nasync def a(x): ...", "a() must be a plain function", 2),
        ("@function('a(x: any) -> any')\ndef a(x): yield x", "a() must be a plain function", 2),
        (
            "@function('a(x: any) -> any')\ndef a(x): ...\n" * 2,
            "a() is declared twice",
            4,
        ),
    ],
)
def test_what_cannot_be_a_declaration_is_refused(text: str, message: str, at: int | None) -> None:
    with pytest.raises(FunctionsError) as caught:
        declared_functions(Functions(file="f.py", text=text))
    assert caught.value.message.startswith(message)
    assert caught.value.line == at


def test_reading_runs_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    text = MAILED + f"open({str(marker)!r}, 'w')\n"
    (tmp_path / "functions.py").write_text(text)
    path = tmp_path / "a.migrate.yaml"
    path.write_text(with_functions_spec())
    spec = with_functions(load_spec(path), allowed=False)
    unrun = mapping(field("x", "mailed(a)"), functions=spec.transform.functions)
    assert unrun.unknown_functions == ("mailed",)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("body", "given", "found"),
    [
        ("return value.upper()", {"S": "ä"}, {"S": "Ä"}),
        ("return value + 1", {"N": "9" * 27}, {"N": "1" + "0" * 27}),
        ("return Decimal('0.1') + 1", {"S": "x"}, {"N": "1.1"}),
        ("return [value, None, 5]", {"S": "x"}, {"L": [{"S": "x"}, {"NULL": True}, {"N": "5"}]}),
        ("return (value,)", {"BOOL": True}, {"L": [{"BOOL": True}]}),
        ("return value", {"SS": ["b", "a"]}, {"SS": ["a", "b"]}),
        ("return value", {"B": "AA=="}, {"B": "AA=="}),
        ("return value is None", {"NULL": True}, {"BOOL": True}),
        ("value.clear(); return value", {"L": [{"S": "x"}]}, {"L": []}),
        ("return None", {"S": "x"}, None),
    ],
)
def test_a_function_gets_plain_values_and_gives_them(body: str, given: Any, found: Any) -> None:
    assert made(own(body, given)).get("made") == found


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return 1.5", "own() gave a value of the class float"),
        ("return b''", "own() gave a value of the class bytes"),
        ("return Decimal('NaN')", "own() gave a value of the class Decimal"),
        ("return {1: 2}", "own() gave a value of the class dict"),
        ("raise ValueError(value)", "own() raised ValueError"),
        ("raise SystemExit(value)", "own() raised SystemExit"),
        ("return own(value)", "own() raised RecursionError"),
        ("x = []; x.append(x); return x", "own() returned a value that is too large or too deep"),
        ("return [[value] * 2000] * 2000", "own() returned a value that is too large or too deep"),
        ("return '\\ud800'", None),
    ],
)
def test_errors_of_a_function_name_it_and_never_a_value(body: str, words: str | None) -> None:
    outcome = own(body)
    assert isinstance(outcome, Rejected)
    assert outcome.reason is Reason.EXPRESSION_ERROR
    assert outcome.detail == (
        f"field 'made': {words}"
        if words
        else "an expression returned a string that is not valid UTF-8"
    )


def test_arguments_are_checked_by_the_signature() -> None:
    strict = functions("return value", "own(value: number) -> number")
    outcome = mapping(field("made", "own(id)"), functions=strict).apply(line({"id": {"S": "1"}}))
    assert isinstance(outcome, Rejected)
    assert outcome.detail == "field 'made': own() takes number as value, not string"


@pytest.mark.parametrize(
    ("text", "words"),
    [("raise SystemExit(1)\n", "SystemExit"), ("import nowhere_at_all\n", "ModuleNotFoundError")],
)
def test_a_file_that_cannot_be_run_is_an_error_that_names_the_class(text: str, words: str) -> None:
    with pytest.raises(FunctionsError, match=f"^running it fails with {words}$"):
        load_functions(Functions(file="f.py", text=text, allowed=True))


def test_a_mapping_with_functions_of_its_own_travels(tmp_path: Path) -> None:
    del tmp_path
    first = mapping(field("made", "own(id)"), functions=functions("return value + '!'"))
    second = pickle.loads(pickle.dumps(first))  # noqa: S301  # our own
    assert isinstance(second, Mapping)
    text = line({"id": {"S": "1"}})
    assert made(second.apply(text)) == {"id": {"S": "1"}, "made": {"S": "1!"}}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gone.py", "there is no file gone.py beside the spec"),
        ("link.py", "link.py leads outside the spec's folder"),
        ("latin.py", "latin.py is not UTF-8 text"),
        ("long.py", "long.py has more than 256,000 bytes"),
        ("folder.py", "folder.py cannot be read: Is a directory"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding(tmp_path: Path, name: str, words: str) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    (tmp_path / "outside.py").write_text("")
    (folder / "link.py").symlink_to(tmp_path / "outside.py")
    (folder / "latin.py").write_bytes(b"# \xff")
    (folder / "long.py").write_text("#" * 256_001)
    (folder / "folder.py").mkdir()
    path = folder / "a.migrate.yaml"
    path.write_text(with_functions_spec().replace("functions.py", name))
    with pytest.raises(SpecError) as caught:
        with_functions(load_spec(path), allowed=True)
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("MIG406", words)
