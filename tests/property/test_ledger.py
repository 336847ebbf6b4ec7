"""Laws of the ledger: DuckDB's answers are those of a few lines of Python over the same items."""

import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from retable.runner.ledger.independent import count_export
from retable.runner.ledger.item_account import account
from retable.runner.ledger.questions import Ledger
from retable.runner.ledger.write_ledger import is_readable
from retable.runner.verify.compare import compare
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Outcome, Rejected
from support.comparisons import is_equal
from support.ledgers import key_text, result, write_actual, write_data_file, write_ledger

# Each example writes Parquet and opens a database or two.
FEW = settings(max_examples=25)
NAMES = st.sampled_from(["a", "b", "c", "ü", "\U0001f600", "it's", '"'])
RANKS = st.none() | st.binary(max_size=2)
RESULTS = st.builds(lambda name, rank: result(name, rank=rank), NAMES, RANKS)
OUTCOMES = st.one_of(
    st.lists(RESULTS, max_size=3).map(lambda results: Kept(tuple(results))),
    st.just(Dropped()),
    st.sampled_from(Reason).map(lambda reason: Rejected(reason, "")),
)
PARTS = st.lists(st.lists(OUTCOMES, max_size=6), max_size=3)
TABLES = st.dictionaries(NAMES, st.sampled_from(["", "1", "2"]))
# Carriage returns are refused with a message of their own.
LINES = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.text(max_size=12).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.sampled_from([b"", b" ", b"\x1d", b"\x1f\x1e\x1f\x1e", b'{"Item":{}}', b"\xff"]),
    ).map(lambda line: line.replace(b"\n", b"").replace(b"\r", b"")),
    max_size=6,
)


@FEW
@given(PARTS)
def test_i3_whatever_the_outcomes_every_item_is_accounted_for(parts: list[list[Outcome]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, outcomes in enumerate(parts):
            write_ledger(folder, outcomes, part=number)
        ledger = Ledger(folder)
        counts = ledger.counts()
        lost = ledger.superseded("latest").count
        losers = sum(len(ledger.losers(f"data/{number}.json.gz")) for number in range(len(parts)))
    account(counts, superseded=lost, quarantined=0, loaded=counts.results - lost)
    assert counts.read == sum(map(len, parts))
    assert losers == lost


@FEW
@given(PARTS, st.sampled_from(["latest", "first"]))
def test_a_collision_loses_all_but_its_only_best(parts: list[list[Outcome]], take: str) -> None:
    contenders = defaultdict(list)
    for number, outcomes in enumerate(parts):
        for line, outcome in enumerate(outcomes, 1):
            if isinstance(outcome, Kept):
                for ordinal, made in enumerate(outcome.results):
                    contenders[made.key].append((made.rank, (number, line, ordinal)))
    losers, unresolved = set(), 0
    for found in contenders.values():
        ranks = [rank for rank, _ in found if rank is not None]
        best = (max if take == "latest" else min)(ranks, default=None)
        if len(found) == 1:
            continue
        if len(ranks) < len(found) or ranks.count(best) > 1:  # type: ignore[arg-type]  # no None
            unresolved += 1
        else:
            losers |= {place for rank, place in found if rank != best}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, outcomes in enumerate(parts):
            write_ledger(folder, outcomes, part=number)
        ledger = Ledger(folder)
        decided = ledger.superseded(take)  # type: ignore[arg-type]  # one of the two
        written = {
            (number, line, ordinal)
            for number in range(len(parts))
            for line, ordinal in ledger.losers(f"data/{number}.json.gz")
        }
    assert (decided.unresolved, decided.count) == (unresolved, len(losers))
    assert written == losers


@FEW
@given(LINES)
def test_both_counters_come_to_the_same_sums_whatever_the_lines(lines: list[bytes]) -> None:
    malformed = Rejected(Reason.MALFORMED_LINE, "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # A byte order mark at a file's start is dropped by DuckDB; nothing exported begins so.
        lines = [b"{}", *lines]
        found = count_export([write_data_file(folder / "a.json.gz", lines)])
        write_ledger(folder / "ledger", [malformed] * len(lines), lines=lines)
        held = Ledger(folder / "ledger").lines()
    assert found.count == held.count == sum(map(is_readable, lines))
    assert held.unreadable == len(lines) - found.count
    assert (found.md5_lower_sum, found.md5_upper_sum) == (held.md5_lower_sum, held.md5_upper_sum)


@FEW
@given(TABLES, TABLES)
def test_i4_exactly_the_differences_are_found(
    expected: dict[str, str], actual: dict[str, str]
) -> None:
    wanted = {(key_text(name), "missing") for name in expected.keys() - actual.keys()}
    wanted |= {(key_text(name), "extra") for name in actual.keys() - expected.keys()}
    wanted |= {
        (key_text(name), "different")
        for name in expected.keys() & actual.keys()
        if expected[name] != actual[name]
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        outcomes = [Kept((result(key, value),)) for key, value in expected.items()]
        write_ledger(folder / "expected", outcomes)
        write_actual(folder / "actual", [result(key, value) for key, value in actual.items()])
        found = compare(
            folder / "expected",
            quarantined=None,
            actual=folder / "actual",
            diff=folder / "diff.jsonl",
        )
    assert {(key_text(row.key["id"]["S"]), row.kind) for row in found.first} == wanted
    counts = Counter(kind for _, kind in wanted)
    assert (found.missing, found.extra, found.different) == (
        counts["missing"],
        counts["extra"],
        counts["different"],
    )
    assert is_equal(found) == (expected == actual)
    assert (found.expected_checksum == found.actual_checksum) == (expected == actual)
