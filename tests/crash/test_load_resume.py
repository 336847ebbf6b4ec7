"""I2, I3: a load that dies at any point and is resumed ends with every item once on account."""

from pathlib import Path

import pytest

from retable.runner.failure import Stopped
from retable.runner.load.progress_account import FileTally
from retable.runner.load.quarantine import read_quarantine
from support.loads import COUNT, Loading
from support.sink import Item, Reply, Script, all_written

POISON = {"o-3", "o-50", "o-119"}
REQUESTS = 40
"""More than a whole load of this export takes, halving included; a test below says so."""


class PowerCut(BaseException):
    """No ``except Exception`` survives it."""


def table(dies_at: int | None) -> Script:
    """Refuse the poison, leave some unprocessed, and from a request on answer no more."""

    def script(count: int, items: list[Item]) -> Reply:
        if dies_at is not None and count >= dies_at:
            # Half the time the write is done and the answer is lost.
            return Reply(
                status=400, error="ExpiredTokenException", written=items if count % 2 else []
            )
        if any(item["id"]["S"] in POISON for item in items):
            return Reply(status=400, error="ValidationException")
        if count % 3 == 0 and len(items) > 1:
            return Reply(written=items[1:], unprocessed=items[:1])
        return Reply(written=items)

    return script


def assert_every_item_is_on_account(loading: Loading) -> None:
    """I3: loaded + quarantined is all there is, in the table, the tallies and the files."""
    quarantined = [entry["item"]["id"]["S"] for entry in read_quarantine(loading.quarantine)]
    assert sorted(quarantined) == sorted(POISON)
    assert loading.sums() == (COUNT - len(POISON), 0, len(POISON))
    assert {item["id"]["S"] for item in loading.stored.values()} - POISON == {
        f"o-{n}" for n in range(COUNT)
    } - POISON
    assert len({tally.file for tally in loading.tallies}) == len(loading.tallies)


def test_the_requests_tried_are_all_there_are(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    loading.load(table(None))
    assert_every_item_is_on_account(loading)
    assert 10 < len(loading.batches) <= REQUESTS


@pytest.mark.parametrize("dies_at", range(1, REQUESTS, 3))
def test_i2_a_load_that_stops_at_any_request_resumes_to_the_same_account(
    tmp_path: Path, dies_at: int
) -> None:
    loading = Loading(tmp_path)
    try:
        loading.load(table(dies_at))
    except Stopped as stopped:
        assert "expired" in stopped.message  # noqa: PT017 -- it may also finish
    loading.load(table(None), done_files=loading.done(), marks=loading.left())
    assert_every_item_is_on_account(loading)


@pytest.mark.parametrize("dies_at", [60, 130, 200])
def test_i2_what_a_mark_covers_is_not_written_again(
    tmp_path: Path, dies_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A load that dies writes again what was under way and at most what one mark spans."""
    span = 50
    monkeypatch.setattr("retable.runner.load.batch_write.CHECKPOINT_LINES", span)
    monkeypatch.setattr("retable.runner.load.batches.SHUFFLED_LINES", 40)
    monkeypatch.setattr("retable.runner.load.batches.BLOCK_LINES", 10)
    loading = Loading(tmp_path, 6_000)

    def script(count: int, items: list[Item]) -> Reply:
        if count >= dies_at:
            return Reply(status=400, error="ExpiredTokenException")
        return Reply(written=items)

    with pytest.raises(Stopped):
        loading.load(script)
    written = len(loading.stored)
    assert loading.marks
    again = loading.load(all_written, done_files=loading.done(), marks=loading.left())
    assert len(loading.stored) == 6_000
    assert loading.sums() == (6_000, 0, 0)
    files = sum(1 for file in loading.files if file.item_count)
    under_way = 40 + 32 * 25
    assert written + len(again) - 6_000 <= files * (span + 10) + under_way


@pytest.mark.parametrize("journaled", [False, True])
@pytest.mark.parametrize("dies_at", range(4))
def test_i2_dying_around_the_record_of_a_file_loses_and_doubles_nothing(
    tmp_path: Path, *, dies_at: int, journaled: bool
) -> None:
    loading = Loading(tmp_path)

    def fused(tally: FileTally) -> None:
        dies = len(loading.tallies) == dies_at
        if not dies or journaled:
            loading.tallies.append(tally)
        if dies:
            raise PowerCut

    with pytest.raises(PowerCut):
        loading.load(table(None), on_file_done=fused)
    loading.load(table(None), done_files=loading.done())
    assert_every_item_is_on_account(loading)
