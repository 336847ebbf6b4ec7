"""A spec's queries: what they see, how values compare, and that hostile SQL reaches nothing."""
# ruff: noqa: S608 -- writing SQL is what a query does

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from retable.runner.ledger.questions import Ledger
from retable.runner.ledger.write_ledger import ItemWriter
from retable.runner.verify.spec_queries import QueryResult, Value, run_queries
from retable.schema.problem import Span
from retable.schema.spec import Query
from retable.transforms.item_outcome import Result
from support.ledgers import as_line, kept, write_data_file, write_ledger

ITEM = (
    '{"id":{"S":"a"},"total":{"N":"-12.5"},"paid":{"BOOL":true},"gone":{"NULL":true},'
    '"tags":{"SS":["p","q"]},"odd.name":{"S":"dotted"},"odd/~na[0]me":{"S":"pointed"},'
    '"back\\\\slash":{"S":"bs"},"tiny":{"N":"0.1234567891"},"huge":{"N":"1E+40"},'
    '"deep":{"M":{"list":{"L":[{"S":"zero"},{"M":{"n":{"N":"7"}}}]}}}}'
)


class Run:
    """A finished load in ``folder``: one source item more than the table holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        lines = [as_line({"id": {"S": name}}) for name in "abc"]
        self.files = [write_data_file(folder / "export" / "1.json.gz", [*lines, b"no json"])]
        outcomes = [kept("a", rank=b"2"), kept("a", rank=b"1"), kept("b")]
        self.expected = write_ledger(folder / "ledger" / "expected", outcomes)
        Ledger(self.expected).superseded("latest")
        self.items = folder / "ledger" / "actual" / "items"
        self.items.mkdir(parents=True)
        self.write([ITEM])

    def write(self, items: Sequence[str]) -> None:
        with ItemWriter(self.items / "00000.parquet") as writer:
            for text in items:
                writer.add(Result(text.encode(), '{"id":{"S":"a"}}', (0, 0), 1))

    def query(self, sql: str, expect: Value = None, **options: Path | str | float) -> QueryResult:
        (result,) = run_queries(
            [Query(name="q", sql=sql, expect=expect, span=Span(1, 1, 1, 2))],
            files=[file.path for file in self.files],
            expected=self.expected,
            items=self.items,
            folder=self.folder / "ledger",
            **options,  # type: ignore[arg-type]  # each caller names one of its options
        )
        return result

    def value(self, sql: str) -> Value:
        result = self.query(sql)
        assert result.message is None
        return result.actual


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "it's [a] *run?")


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("string(item, 'id')", "a"),
        ("string(item, 'absent')", None),
        ("string(item, 'gone')", None),
        ("string(item, 'odd\\.name')", "dotted"),
        ("string(item, 'odd/~na\\[0]me')", "pointed"),
        ("string(item, 'back\\\\slash')", "bs"),
        ("string(item, 'deep.list[0]')", "zero"),
        ("string(item, 'deep.list[9]')", None),
        ("number(item, 'deep.list[1].n')", Decimal(7)),
        ("number(item, 'total')", Decimal("-12.5")),
        ("number(item, 'absent')", None),
        ("number_text(item, 'tiny')", "0.1234567891"),
        ("flag(item, 'paid')", True),
        ("len(list(item, 'tags'))", 2),
        ("list(item, 'tags')[1]->>'$'", "p"),
        ("len(list(item, 'deep.list'))", 2),
        ("list(item, 'absent') is null", True),
        ("type_of(item, 'deep')", "M"),
        ("type_of(item, 'absent')", None),
        ("attribute(item, 'total')->>'N'", "-12.5"),
        ("case when type_of(item, 'id') = 'N' then number(item, 'id') end", None),
    ],
)
def test_macros_look_into_items(run: Run, call: str, value: Value) -> None:
    assert run.value(f"select {call} from target") == value


@pytest.mark.parametrize("name", ["string", "number", "number_text", "flag", "list"])
def test_an_attribute_of_another_type_is_no_silent_null(run: Run, name: str) -> None:
    result = run.query(f"select count(*) from target where {name}(item, 'deep') is not null")
    assert result.outcome == "unevaluated"
    assert result.message is not None
    assert "another type" in result.message


@pytest.mark.parametrize("name", ["tiny", "huge"])
def test_a_number_that_does_not_fit_is_never_rounded(run: Run, name: str) -> None:
    result = run.query(f"select number(item, '{name}') from target", Decimal("0.123456789"))
    assert result.outcome == "unevaluated"
    assert result.message is not None
    assert result.message.startswith("number(): a number has more digits")


def test_the_views_hold_what_they_say(run: Run) -> None:
    assert run.value("select string_agg(string(item, 'id'), '' order by 1) from source") == "abc"
    lines = "select string_agg(string(key, 'id') || source_line, ' ' order by source_line)"
    assert run.value(f"{lines} from expected") == "a1 b3"
    assert run.value("select string(key, 'id') from target") == "a"


def test_what_the_table_refused_is_not_expected(run: Run) -> None:
    quarantined = run.folder / "load.jsonl"
    quarantined.write_text('{"key":"{\\"id\\":{\\"S\\":\\"b\\"}}"}\n', encoding="utf-8")
    result = run.query("select count(*) from expected", 1, quarantined=quarantined)
    assert result.outcome == "passed"


def test_a_run_without_files_or_items_has_empty_views(run: Run) -> None:
    run.files = []
    (run.items / "00000.parquet").unlink()
    both = "select (select count(*) from source) + (select count(*) from target)"
    assert run.query(both, 0).outcome == "passed"


@pytest.mark.parametrize(
    ("sql", "expect", "outcome"),
    [
        ("select 3", 3, "passed"),
        ("select 3", Decimal("3.0"), "passed"),
        ("select 3.50", Decimal("3.5"), "passed"),
        ("select 0.1::double", Decimal("0.1"), "passed"),
        ("select sum(x) from range(3) as t(x)", 3, "passed"),
        ("select 'nan'::double", 0, "failed"),
        ("select 170141183460469231731687303715884105727", 2**127 - 1, "passed"),
        ("select 3", "3", "failed"),
        ("select '3'", 3, "failed"),
        ("select 'x'", "x", "passed"),
        ("select true", True, "passed"),
        ("select true", 1, "failed"),
        ("select 1", True, "failed"),
        ("select null", None, "passed"),
        ("select null", 0, "failed"),
        ("select 0", None, "failed"),
        ("select 4", 3, "failed"),
    ],
)
def test_values_are_compared_exactly(run: Run, sql: str, expect: Value, outcome: str) -> None:
    assert run.query(sql, expect).outcome == outcome


def test_a_failed_query_says_what_it_found_and_how_to_run_it_again(run: Run) -> None:
    result = run.query("select count(*) from target where number(item, 'total') < 0", 0)
    assert (result.outcome, result.expected, result.actual) == ("failed", 0, 1)
    prelude = (run.folder / "ledger" / "queries.sql").read_text(encoding="utf-8")
    assert f"duckdb -init {run.folder / 'ledger' / 'queries.sql'}" in result.sql
    assert duckdb.connect().execute(prelude + result.sql).fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select 1 where false", "it gives no row"),
        ("select * from source", "it gives several rows"),
        ("select 1, 2", "it gives several columns"),
        ("select date '2026-01-01'", "it gives a date; cast it"),
        ("select repeat('x', 1001)", "a string of 1,001 characters"),
        ("", "not one SELECT"),
        ("select 1; select 2", "not one SELECT"),
        ("drop view target", "not one SELECT"),
        ("create table t as select 1", "not one SELECT"),
        ("copy (select 1) to 'x.csv'", "not one SELECT"),
        ("attach 'x.db'", "not one SELECT"),
        ("install httpfs", "not one SELECT"),
        ("set memory_limit = '1TB'", "not one SELECT"),
        ("pragma version", "not one SELECT"),
        ("explain analyze select 1", "not one SELECT"),
        ("selekt 1", "Parser Error"),
        ("select nope from target", 'column "nope" not found'),
        ("select count(*) from nowhere", "nowhere does not exist"),
    ],
)
def test_what_gives_no_single_value_could_not_be_evaluated(
    run: Run, sql: str, message: str
) -> None:
    result = run.query(sql, 1)
    assert result.outcome == "unevaluated"
    assert message in str(result.message)


@pytest.mark.parametrize(
    "sql",
    [
        "select content from read_text('{secret}')",
        "select count(*) from read_csv('{secret}')",
        "select (select max(content) from READ_TEXT('{secret}'))",
        "with t as (from read_blob('{secret}')) select count(*) from t",
        "select count(*) from '{secret}'",
        "select count(*) from '{parquet}'",
        "select count(*) from glob('/**')",
        "select count(*) from duckdb_settings()",
        "select count(*) from enable_logging(storage = 'file')",
        "from query('select 1')",
        "select getenv('HOME')",
        "select count(*) from 'https://localhost:1/x.parquet'",
        "with t as (insert into nowhere values (1) returning *) select count(*) from t",
    ],
)
def test_i5_hostile_sql_reaches_nothing_outside(run: Run, tmp_path: Path, sql: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden", encoding="utf-8")
    parquet = tmp_path / "secret.parquet"
    duckdb.execute(f"copy (select 'hidden') to '{parquet}'")
    before = sorted(tmp_path.rglob("*"))
    result = run.query(sql.format(secret=secret, parquet=parquet), 1)
    assert result.outcome == "unevaluated"
    assert "hidden" not in str(result)
    prelude = run.folder / "ledger" / "queries.sql"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, prelude])


@pytest.mark.parametrize(
    "sql",
    [
        "select string(item, 'secret')::integer from target",
        "select error(string(item, 'secret')) from target",
        "select error('number(): ' || string(item, 'secret')) from target",
        "select json_extract(item, '$[' || string(item, 'secret')) from target",
        "select strptime(string(item, 'secret'), '%Y') from target",
        "select (number(item, 'pin') * 1e30::decimal(38, 0))::integer from target",
    ],
)
def test_i6_an_error_never_tells_an_items_values(run: Run, sql: str) -> None:
    run.write(['{"id":{"S":"a"},"secret":{"S":"hidden"},"pin":{"N":"8642"}}'])
    result = run.query(sql, 1)
    assert result.outcome == "unevaluated"
    assert "while it ran" in str(result.message)
    assert "hidden" not in str(result)
    assert "8642" not in str(result)


def test_a_query_that_takes_too_long_is_interrupted(run: Run) -> None:
    endless = "select count(*) from range(1000000000) a, range(1000000000) b where a.range < 0"
    result = run.query(f"{endless} or b.range * a.range % 7 = 3", 1, seconds=0.3)
    assert (result.outcome, result.message) == ("unevaluated", "it took more than 0.3 seconds")


def test_a_query_that_needs_too_much_memory_could_not_be_evaluated(run: Run) -> None:
    result = run.query("select len(list(range)::text) from range(90000000)", memory_limit="100MB")
    assert result.outcome == "unevaluated"


def test_one_bad_query_does_not_stop_the_others(run: Run) -> None:
    queries = [
        Query(name=sql, sql=sql, expect=1, span=Span(1, 1, 1, 2))
        for sql in ("select error('x')", "select 1", "select 2")
    ]
    results = run_queries(
        queries,
        files=[file.path for file in run.files],
        expected=run.expected,
        items=run.items,
        folder=run.folder / "ledger",
    )
    assert [result.outcome for result in results] == ["unevaluated", "passed", "failed"]
