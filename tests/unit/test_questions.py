"""Questions to the ledger, and the account of every item."""

from pathlib import Path
from typing import Literal

import pytest

from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.item_account import account
from retable.runner.ledger.questions import Collision, Ledger, LedgerCounts
from retable.schema.reasons import Reason
from retable.transforms.item_outcome import Dropped, Kept, Rejected
from support.ledgers import kept, key_text, result, write_ledger

NO_KEY = Rejected(Reason.MISSING_KEY, "customer_id")
NO_LINE = Rejected(Reason.MALFORMED_LINE, "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name would mislead a pattern and end a quoted string."""
    return tmp_path / "it's [a] *ledger?"


def test_items_are_counted_by_outcome_over_all_parts(folder: Path) -> None:
    write_ledger(folder, [kept("a"), Dropped(), NO_KEY, Kept((result("b"), result("c")))])
    write_ledger(folder, [kept("d"), NO_LINE, Kept(())], part=1)
    ledger = Ledger(folder)
    assert ledger.counts() == LedgerCounts(read=7, kept=4, dropped=1, rejected=2, results=4)
    assert ledger.rejects_by_reason() == {"malformed-line": 1, "missing-key": 1}


def test_a_ledger_without_parts_is_empty(folder: Path) -> None:
    folder.mkdir()
    ledger = Ledger(folder)
    assert ledger.counts() == LedgerCounts(read=0, kept=0, dropped=0, rejected=0, results=0)
    assert ledger.rejects_by_reason() == {}
    assert ledger.collisions(10).keys == 0
    assert ledger.superseded("latest").count == 0
    assert ledger.losers("data/0.json.gz") == frozenset()
    assert ledger.sizes().largest == 0


def test_the_file_of_losers_is_no_part_of_the_ledger(folder: Path) -> None:
    write_ledger(folder, [kept("a", rank=b"1"), kept("a", rank=b"2")])
    ledger = Ledger(folder)
    before = ledger.counts()
    ledger.superseded("latest")
    assert Ledger(folder).counts() == before


def test_a_collision_names_its_key_and_the_lines_it_comes_from(folder: Path) -> None:
    write_ledger(folder, [kept("b"), kept("a"), kept("b"), Dropped()])
    write_ledger(folder, [kept("b"), kept("c"), kept("c")], part=1)
    found = Ledger(folder).collisions(1)
    assert (found.keys, found.items) == (2, 5)
    (example,) = found.examples
    assert example == Collision(
        key=key_text("b"),
        items=3,
        lines=("data/0.json.gz:1", "data/0.json.gz:3", "data/1.json.gz:1"),
    )


@pytest.mark.parametrize(("take", "winner"), [("latest", 2), ("first", 1), (None, None)])
def test_a_collision_names_the_line_that_wins(
    folder: Path, take: Literal["latest", "first"] | None, winner: int | None
) -> None:
    write_ledger(folder, [kept("a", "1", rank=b"1"), kept("a", "2", rank=b"2"), kept("b")])
    ledger = Ledger(folder)
    ledger.superseded(take)
    (example,) = ledger.collisions(10).examples
    assert example.winner == (None if winner is None else f"data/0.json.gz:{winner}")


def test_a_collision_that_ties_has_no_winner(folder: Path) -> None:
    write_ledger(folder, [kept("a", "1", rank=b"1"), kept("a", "2", rank=b"1")])
    ledger = Ledger(folder)
    ledger.superseded("latest")
    assert ledger.collisions(10).examples[0].winner is None


def test_rejected_and_dropped_items_never_collide(folder: Path) -> None:
    write_ledger(folder, [NO_KEY, NO_KEY, Dropped(), Dropped(), kept("a")])
    assert Ledger(folder).collisions(10).keys == 0


@pytest.mark.parametrize(("take", "losers"), [("latest", {1, 2}), ("first", {2, 3})])
def test_the_rank_decides_byte_by_byte(folder: Path, take: str, losers: set[int]) -> None:
    ranks = [b"\x01", b"\x7f\xff", b"\x80"]
    write_ledger(folder, [kept("a", str(n), rank=rank) for n, rank in enumerate(ranks)])
    ledger = Ledger(folder)
    found = ledger.superseded(take)  # type: ignore[arg-type]  # the parameters above are no others
    assert (found.count, found.unresolved) == (2, 0)
    assert ledger.losers("data/0.json.gz") == {(line, 0) for line in losers}


def test_losers_are_those_of_one_file_with_their_ordinals(folder: Path) -> None:
    two = Kept((result("a", rank=b"1"), result("b", rank=b"1")))
    write_ledger(folder, [two])
    write_ledger(folder, [kept("b", rank=b"2"), kept("a", rank=b"0")], part=1)
    ledger = Ledger(folder)
    assert ledger.superseded("latest").count == 2
    assert ledger.losers("data/0.json.gz") == {(1, 1)}
    assert ledger.losers("data/1.json.gz") == {(2, 0)}
    assert ledger.losers("data/2.json.gz") == frozenset()


@pytest.mark.parametrize(
    "ranks",
    [[b"2", b"2", b"1"], [None, None], [b"2", None, b"1"]],
    ids=["a tie for the best", "no ranks", "one without a rank"],
)
def test_a_collision_without_a_single_winner_is_unresolved(
    folder: Path, ranks: list[bytes | None]
) -> None:
    write_ledger(folder, [kept("a", rank=rank) for rank in ranks])
    ledger = Ledger(folder)
    found = ledger.superseded("latest")
    assert (found.count, found.unresolved) == (0, 1)
    assert ledger.losers("data/0.json.gz") == frozenset()


def test_a_tie_among_losers_does_not_matter(folder: Path) -> None:
    write_ledger(folder, [kept("a", rank=rank) for rank in (b"1", b"1", b"2")])
    found = Ledger(folder).superseded("latest")
    assert (found.count, found.unresolved) == (2, 0)


def test_without_a_winner_every_collision_is_unresolved(folder: Path) -> None:
    write_ledger(folder, [kept("a", rank=b"1"), kept("a", rank=b"2"), kept("b")])
    found = Ledger(folder).superseded(None)
    assert (found.count, found.unresolved) == (0, 1)


def test_deciding_again_replaces_what_was_decided(folder: Path) -> None:
    write_ledger(folder, [kept("a", rank=b"1"), kept("a", rank=b"2")])
    assert Ledger(folder).superseded("latest").count == 1
    assert Ledger(folder).superseded(None).count == 0
    assert Ledger(folder).losers("data/0.json.gz") == frozenset()


def test_i3_losers_are_not_guessed_where_nobody_decided(folder: Path) -> None:
    write_ledger(folder, [kept("a")])
    with pytest.raises(Stopped, match=r"superseded\.parquet is missing"):
        Ledger(folder).losers("data/0.json.gz")


def test_sizes_are_summed_in_bytes_and_write_units(folder: Path) -> None:
    sizes = [1, 2, 3, 1024, 1025, 409_600]
    write_ledger(folder, [Kept((result(str(n), size=n),)) for n in sizes])
    found = Ledger(folder).sizes()
    assert (found.items, found.total, found.largest) == (6, sum(sizes), 409_600)
    assert found.write_units == 1 + 1 + 1 + 1 + 2 + 400
    assert found.histogram == {1: 1, 2: 1, 4: 1, 1024: 1, 2048: 1, 524_288: 1}


def test_nothing_is_left_of_what_duckdb_spilled(folder: Path) -> None:
    (folder / ".spill").mkdir(parents=True)
    (folder / ".spill" / "left by a killed run").touch()
    write_ledger(folder, [kept("a"), kept("a")])
    Ledger(folder).superseded(None)
    assert sorted(path.name for path in folder.iterdir()) == [
        "00000.parquet",
        "colliding.parquet",
        "superseded.parquet",
    ]


COUNTS = LedgerCounts(read=10, kept=7, dropped=2, rejected=1, results=8)


def test_i3_figures_that_add_up_pass() -> None:
    account(COUNTS, superseded=2, quarantined=1, loaded=5)


def test_i3_a_source_item_without_an_account_is_found() -> None:
    counts = LedgerCounts(read=1_010, kept=1_006, dropped=2, rejected=1, results=8)
    with pytest.raises(CheckFailed) as failure:
        account(counts, superseded=2, quarantined=1, loaded=5)
    assert failure.value.message == (
        "1,010 items were read, but 1,006 kept + 2 dropped + 1 rejected = 1,009"
    )


@pytest.mark.parametrize("loaded", [4, 6])
def test_i3_a_result_without_an_account_or_with_two_is_found(loaded: int) -> None:
    with pytest.raises(CheckFailed) as failure:
        account(COUNTS, superseded=2, quarantined=1, loaded=loaded)
    assert failure.value.message == (
        f"8 items were to be loaded, but {loaded} loaded + 2 superseded + 1 quarantined "
        f"= {loaded + 3}"
    )
