"""Ctrl-C and SIGTERM during a load: requests in flight end, and a resume writes the rest."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from retable.runner.progress import NoProgress
from support.loads import Loading
from support.sink import Item, Reply, Script, all_written

MANY = 1500


class Watch(NoProgress):
    """Remembers how many items were settled."""

    settled = 0

    def advance(self, done: int, total: int | None, unit: str) -> None:
        assert (total, unit) == (MANY, "items")
        self.settled = done


def interrupted_by(number: signal.Signals, at: int) -> Script:
    """Send the signal while request ``at`` and those beside it are under way."""

    def script(count: int, items: list[Item]) -> Reply:
        if count == at:
            os.kill(os.getpid(), number)
        return Reply(written=items, after_seconds=0.15)

    return script


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_i2_requests_in_flight_end_and_a_resume_writes_the_rest(
    tmp_path: Path, number: signal.Signals
) -> None:
    handler = signal.getsignal(number)
    loading = Loading(tmp_path, MANY)
    watch = Watch()
    with pytest.raises(KeyboardInterrupt):
        loading.load(interrupted_by(number, 20), progress=watch)
    first = len(loading.stored)
    assert 20 * 25 < first < MANY
    # Drained: what the table took is what was settled, so that no file waits for nothing.
    assert watch.settled == first
    assert signal.getsignal(number) is handler
    loading.load(all_written, done_files=loading.done())
    assert len(loading.stored) == MANY
    assert loading.sums() == (MANY, 0, 0)


def test_a_second_signal_does_not_wait_for_what_is_under_way(tmp_path: Path) -> None:
    def script(count: int, items: list[Item]) -> Reply:
        if count == 0:
            for delay in (0.1, 0.3):
                threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT)).start()
        return Reply(written=items, after_seconds=10)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Loading(tmp_path, MANY).load(script)
    assert time.monotonic() - began < 8


def test_a_load_that_is_held_back_ends_at_once(tmp_path: Path) -> None:
    """Backing off for many seconds does not keep anyone from ending the load."""

    def script(count: int, items: list[Item]) -> Reply:
        if count == 40:
            os.kill(os.getpid(), signal.SIGTERM)
        return Reply(unprocessed=items)

    with pytest.raises(KeyboardInterrupt):
        Loading(tmp_path, MANY).load(script)


def test_a_load_outside_the_main_thread_leaves_signals_alone(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    thread = threading.Thread(target=loading.load, args=(all_written,))
    thread.start()
    thread.join()
    assert loading.sums() == (loading.count, 0, 0)
