"""A first spec for a table: it can be used as it is, and tells no item's values."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.cli.init import init
from retable.runner.draft.redact import redact
from retable.runner.draft.sample import Sample, guess_key
from retable.runner.draft.write_draft import choose_rows, draft
from retable.runner.failure import CheckFailed, Refused
from retable.runner.lint.spec_findings import check, load
from retable.runner.spec.row_tests import row_runner
from retable.schema.limits import parse_number
from retable.schema.spec import Index, Indexes, KeyAttribute, KeySchema, TypedItem
from support.exports import TABLE_ARN, make_export
from support.items import ITEMS as ANY_ITEMS
from support.observed import description, settings

KEY = KeySchema(partition=KeyAttribute("order_id", "S"), sort=KeyAttribute("no", "N"))
ITEMS: tuple[TypedItem, ...] = (
    {"order_id": {"S": "A-17/b"}, "no": {"N": "-12.5"}, "Secret": {"S": "Müller"}},
    {"order_id": {"S": "A-18/b"}, "no": {"N": "7E+3"}, "born": {"S": "2026-01-02T03:04:05Z"}},
    {
        "order_id": {"S": "B-19"},
        "no": {"N": "0"},
        "tags": {"SS": ["gift", "lift", "loft"]},
        "seal": {"B": "c2VjcmV0"},
        "deep": {"M": {"c-10442": {"L": [{"BOOL": False}, {"NULL": True}]}, "name": {"S": "x"}}},
    },
    {"order_id": {"S": "B-20"}, "no": {"N": "1"}},
)
INDEXES = Indexes(
    global_=(
        Index(
            name="by_born",
            partition=(KeyAttribute("born", "S"), KeyAttribute("x y", "N")),
            sort=(KeyAttribute("no", "N"),),
            projection=("Secret", "null"),
        ),
    ),
    local=(
        Index(
            name="by_tag",
            partition=(KEY.partition,),
            sort=(KeyAttribute("t", "B"),),
            projection="keys",
        ),
    ),
)


def sample(found: tuple[TypedItem, ...] = ITEMS, **changes: Any) -> Sample:
    facts: dict[str, Any] = {
        "table": "orders",
        "region": "eu-west-1",
        "items": found,
        "total": 41_872_310,
        "key": KEY,
        "key_is_known": True,
        "settings": settings(description(key=KEY, indexes=INDEXES), ttl="ends", tags={"a": "b"}),
    }
    return Sample(**facts | changes)


def findings(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "a.migrate.yaml"
    path.write_text(text, encoding="utf-8")
    loaded = check(load(path))
    assert loaded.spec is not None, [str(problem) for problem in loaded.problems]
    run = row_runner(loaded.spec)
    assert all(run(row).outcome == "passed" for row in loaded.spec.tests)
    return [str(problem) for problem in loaded.problems]


def test_a_draft_breaks_no_rule_and_its_rows_pass(tmp_path: Path) -> None:
    assert findings(tmp_path, draft(sample())) == []
    assert findings(tmp_path, draft(sample(settings=None, key_is_known=False))) == []


def test_a_draft_lists_the_attributes_of_the_sample(tmp_path: Path) -> None:
    text = draft(sample())
    lines = text.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=./migration-spec.schema.json"
    assert "# Drafted from 4 of about 41,872,310 items." in lines
    assert "#   order_id  S      100 %" in lines
    assert "#   Secret    S      25 %" in lines
    assert "  # The table has: TTL on ends, point-in-time recovery, 1 tags." in lines
    (tmp_path / "a.yaml").write_text(text)
    spec = load(tmp_path / "a.yaml").spec
    assert spec is not None
    assert spec.target.indexes == INDEXES
    assert (spec.target.key, spec.sandbox and spec.sandbox.key) == (KEY, KEY)


def test_values_keep_their_shape_and_nothing_else() -> None:
    assert redact(ITEMS[0]) == {
        "order_id": {"S": "X-11/x"},
        "no": {"N": "-11.1"},
        "Secret": {"S": "Xxxxxx"},
    }
    assert redact(ITEMS[1])["born"] == {"S": "1111-11-11X11:11:11X"}
    assert redact(ITEMS[2])["deep"] == {
        "M": {"x-11111": {"L": [{"BOOL": True}, {"NULL": True}]}, "name": {"S": "x"}}
    }
    assert redact(ITEMS[2])["tags"] == {"SS": ["xxxx"]}


def test_a_great_number_stays_one_that_can_be_stored() -> None:
    for text in (f"1{'0' * 120}", f"-0.{'0' * 120}1", f"{'9' * 19}.5", "1E-130"):
        digits = redact({"n": {"N": text}})["n"]["N"]
        assert parse_number(digits)
        assert len(digits) <= 20


def test_rows_are_chosen_for_what_they_show() -> None:
    rows = choose_rows(ITEMS)
    assert [sorted(row) for row in rows] == [
        ["deep", "no", "order_id", "seal", "tags"],
        ["Secret", "no", "order_id"],
        ["born", "no", "order_id"],
    ]


@given(st.lists(ANY_ITEMS, min_size=1, max_size=5))
def test_any_items_give_a_spec_that_can_be_used(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, Any]]
) -> None:
    key = KeySchema(partition=KeyAttribute("id", "S"))
    text = draft(sample(tuple(found), key=key, settings=None))
    lines = findings(tmp_path_factory.mktemp("d"), text)
    assert [line for line in lines if ": error " in line] == []


def test_the_key_is_guessed_from_what_no_two_items_share() -> None:
    assert guess_key(ITEMS).partition == KeyAttribute("order_id", "S")
    with pytest.raises(Refused, match="no attribute is in every item"):
        guess_key(({"a": {"S": "1"}}, {"b": {"S": "1"}}))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(init, arguments)


def test_a_spec_is_drafted_from_an_export_and_nothing_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_export(tmp_path / "export", 40)
    assert run("--from-export", "export").exit_code == 0
    path = tmp_path / "specs" / "orders.migrate.yaml"
    text = path.read_text()
    assert findings(tmp_path, text) == []
    assert "partition: {name: id, type: N}" in text
    assert "# Drafted from 40 of about 40 items." in text
    assert (path.parent / "migration-spec.schema.json").is_file()
    again = run("--from-export", "export")
    assert isinstance(again.exception, Refused)
    assert path.read_text() == text
    assert run("--from-export", "export", "--sample", "3", "b.yaml").exit_code == 0
    assert "# Drafted from 3 of about 40 items." in (tmp_path / "b.yaml").read_text()


@pytest.mark.parametrize(
    "arn",
    ["orders", "arn:aws:dynamodb:eu\nx: y:111122223333:table/orders", f"{TABLE_ARN}\x1b[31m"],
)
def test_an_export_that_names_no_table_names_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arn: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_export(tmp_path / "export", 4, table_arn=arn)
    found = run("--from-export", "export")
    assert isinstance(found.exception, CheckFailed)
    assert "is not the ARN of a table" in str(found.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_what_cannot_be_drafted_from_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    assert isinstance(run("--from-export", "empty").exception, Refused)
    make_export(tmp_path / "none", 0, table_arn=TABLE_ARN)
    assert isinstance(run("--from-export", "none").exception, Refused)
    assert run().exit_code == 2
    assert run("--from-export", "a", "--from-table", "b").exit_code == 2
