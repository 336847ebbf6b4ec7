"""Loading: every item is written or quarantined, whatever the table answers."""

import json
import re
from pathlib import Path

import pytest

from retable.runner.clock import SystemClock
from retable.runner.failure import Stopped
from retable.runner.load.quarantine import read_quarantine
from retable.runner.progress import NoProgress
from support.loads import COUNT, Loading
from support.sandboxes import ManualClock
from support.sink import Item, Reply, Script, all_written


@pytest.fixture
def loading(tmp_path: Path) -> Loading:
    return Loading(tmp_path)


def test_i3_every_item_is_written_once_in_batches_of_25_at_most(loading: Loading) -> None:
    stored = loading.load(all_written)
    assert len(stored) == COUNT
    assert loading.sums() == (COUNT, 0, 0)
    assert sorted(tally.file for tally in loading.tallies) == sorted(
        file.key for file in loading.files
    ), "every file ends once, empty ones too"
    assert any(not file.item_count for file in loading.files)
    assert max(map(len, loading.batches)) <= 25
    assert stored['{"S": "o-7"}'] == {"id": {"S": "o-7"}, "n": {"N": "7"}}


def some_unprocessed(_: int, items: list[Item]) -> Reply:
    half = len(items) // 2
    return Reply(written=items[half:], unprocessed=items[:half])


def first_throttled(number: int, items: list[Item]) -> Reply:
    if number < 4:
        return Reply(status=400, error="ProvisionedThroughputExceededException")
    return Reply(written=items)


def fails_after_writing(number: int, items: list[Item]) -> Reply:
    if number % 2:
        return Reply(written=items)
    return Reply(status=500, written=items, error="InternalServerError")


def hangs_up_after_writing(number: int, items: list[Item]) -> Reply:
    return Reply(written=items, hang_up=number % 3 == 0)


def lies_about_its_crc(number: int, items: list[Item]) -> Reply:
    return Reply(written=items, wrong_crc=number % 3 == 0)


@pytest.mark.parametrize(
    "script",
    [
        some_unprocessed,
        first_throttled,
        fails_after_writing,
        hangs_up_after_writing,
        lies_about_its_crc,
    ],
)
def test_i3_nothing_is_lost_when_the_table_falters(loading: Loading, script: Script) -> None:
    assert len(loading.load(script)) == COUNT
    assert loading.sums() == (COUNT, 0, 0)


def poisoned_by(*bad: str) -> Script:
    """Refuse every batch that holds one of the ``bad`` ids."""

    def script(_: int, items: list[Item]) -> Reply:
        if any(item["id"]["S"] in bad for item in items):
            return Reply(status=400, error="ValidationException")
        return Reply(written=items)

    return script


def test_i3_poison_is_bisected_into_quarantine_and_the_rest_is_written(loading: Loading) -> None:
    stored = loading.load(poisoned_by("o-3", "o-50"))
    assert len(stored) == COUNT - 2
    assert loading.sums() == (COUNT - 2, 0, 2)
    entries = list(read_quarantine(loading.quarantine))
    assert sorted(entry["item"]["id"]["S"] for entry in entries) == ["o-3", "o-50"]
    assert {entry["reason"] for entry in entries} == {"refused-by-table"}
    assert {entry["code"] for entry in entries} == {"ValidationException"}
    assert all(json.loads(entry["key"])["id"] for entry in entries)


def test_i2_a_repeated_load_quarantines_nothing_twice(loading: Loading) -> None:
    for _ in range(2):
        loading.load(poisoned_by("o-3"))
    assert len(list(read_quarantine(loading.quarantine))) == 1


def test_i2_files_that_are_done_are_not_written_again(loading: Loading) -> None:
    loading.load(all_written)
    done = frozenset(tally.file for tally in loading.tallies)
    assert loading.load(all_written, done_files=done) == {}


def test_losers_of_a_collision_are_counted_and_not_written(loading: Loading) -> None:
    stored = loading.load(all_written, skip=lambda _: frozenset([(1, 0)]))
    with_items = sum(1 for file in loading.files if file.item_count)
    assert loading.sums() == (COUNT - with_items, with_items, 0)
    assert len(stored) == COUNT - with_items


def test_a_table_that_takes_nothing_stops_the_load(loading: Loading) -> None:
    def nothing(_: int, items: list[Item]) -> Reply:
        return Reply(unprocessed=items)

    with pytest.raises(Stopped, match=r"no items were written to orders-v2 .*unprocessed items"):
        loading.load(nothing, idle_seconds=0.2)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ExpiredTokenException", "credentials have expired"),
        ("AccessDeniedException", "access to BatchWriteItem was denied"),
        ("ResourceNotFoundException", "the table does not exist"),
        ("SomethingNewException", "returned SomethingNewException"),
    ],
)
def test_an_error_that_a_retry_cannot_fix_stops_the_load_at_once(
    loading: Loading, error: str, said: str
) -> None:
    with pytest.raises(Stopped, match=said):
        loading.load(lambda *_: Reply(status=400, error=error))
    assert len(loading.batches) <= 16


def test_the_rate_holds_back_what_the_first_second_does_not_cover(loading: Loading) -> None:
    clock = SystemClock()
    began = clock.monotonic()
    # The first guess is one unit an item: 50 are there at once, the next batch is in debt.
    assert len(loading.load(all_written, rate=50)) == COUNT
    assert clock.monotonic() - began > 0.2


def test_an_endpoint_that_hangs_up_for_ever_stops_the_load(loading: Loading) -> None:
    with pytest.raises(Stopped, match="no items were written to"):
        loading.load(lambda *_: Reply(hang_up=True), idle_seconds=0.2)


def test_a_table_that_refuses_everything_does_not_fill_the_quarantine(tmp_path: Path) -> None:
    """A wrong key schema is the table's fault, not that of each item in turn."""
    loading = Loading(tmp_path, 1000)
    with pytest.raises(Stopped, match="refused the first 100 items and accepted none"):
        loading.load(lambda *_: Reply(status=400, error="ValidationException"))


def test_a_batch_is_given_its_own_time_after_a_long_silence(loading: Loading) -> None:
    """Reading a large file takes a while; that nothing was sent then is not the table's fault."""
    clock = ManualClock()

    def slow(_: str) -> frozenset[tuple[int, int]]:
        clock.sleep(200)
        return frozenset()

    stored = loading.load(first_throttled, skip=slow, clock=clock, idle_seconds=150)
    assert len(stored) == COUNT


HOT = "TableWriteKeyRangeThroughputExceeded"


def test_a_batch_of_a_hot_key_range_lets_others_go_first(loading: Loading) -> None:
    """With room for one request only, a batch that kept its place would stop all the others."""
    hot: list[str] = []

    def script(number: int, items: list[Item]) -> Reply:
        if number == 0:
            hot.append(items[0]["id"]["S"])
        if number < 12 and any(item["id"]["S"] in hot for item in items):
            return Reply(
                status=400,
                error="ThrottlingException",
                reasons=(HOT, "TableWriteAccountLimitExceeded"),
            )
        return Reply(written=items)

    assert len(loading.load(script)) == COUNT
    first = [hot[0] in {item["id"]["S"] for item in batch} for batch in loading.batches]
    assert first[0]
    assert not all(first[: len(first) // 2]), "others went between its tries"


def test_a_note_says_why_writes_are_throttled_and_how_many_requests_remain(
    loading: Loading,
) -> None:
    notes: list[str] = []

    class Watcher(NoProgress):
        def note(self, text: str) -> None:
            notes.append(text)

    def script(number: int, items: list[Item]) -> Reply:
        if number < 3:
            return Reply(status=400, error="ThrottlingException", reasons=(HOT,))
        return Reply(written=items)

    loading.load(script, progress=Watcher())
    assert re.fullmatch(
        r"writes are throttled \(KeyRangeThroughputExceeded\): \d+ requests at once", notes[0]
    )
