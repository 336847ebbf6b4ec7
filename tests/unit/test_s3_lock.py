"""The lock that runners on any machine see: one holder, and a holder that lost it knows."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from retable.runner.failure import Stopped
from retable.runner.runs.holder import Process, has_ended, this_process
from retable.runner.runs.s3_lock import (
    HEARTBEAT_SECONDS,
    STALE_SECONDS,
    UNSURE_SECONDS,
    S3Lock,
)
from support.patience import PATIENCE_SECONDS
from support.sandboxes import ManualClock
from support.states import BUCKET, ELSEWHERE, StateBed, state_bed


@pytest.fixture(scope="module")
def bed() -> Iterator[StateBed]:
    with state_bed() as bed:
        yield bed


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    return f"locks/{request.node.name}.json"


class Ages:
    """A clock that moves, and S3's idea of how old the lock is, moved along with it."""

    def __init__(self, bed: StateBed, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = ManualClock()
        self.stored: dict[str, float] = {}
        look, put_if = bed.objects.look, bed.objects.put_if

        def aged(bucket: str, key: str) -> Any:
            seen = look(bucket, key)
            age = self.clock.monotonic() - self.stored.get(key, 0.0)
            return None if seen is None else replace(seen, age_seconds=age)

        def noted(bucket: str, key: str, body: bytes, etag: str | None) -> str | None:
            stored = put_if(bucket, key, body, etag)
            if stored is not None:
                self.stored[key] = self.clock.monotonic()
            return stored

        monkeypatch.setattr(bed.objects, "look", aged)
        monkeypatch.setattr(bed.objects, "put_if", noted)


@pytest.fixture
def ages(bed: StateBed, monkeypatch: pytest.MonkeyPatch) -> Ages:
    """Of S3 only the age of what it holds is not its own here: nobody waits for 90 s."""
    return Ages(bed, monkeypatch)


def take(lock: S3Lock, *, process: Process = ELSEWHERE, break_stale: bool = False) -> S3Lock:
    lock.acquire("orders", "7f3a-c21e", process, break_stale=break_stale, note=lambda _: None)
    return lock


def test_a_second_runner_is_refused_and_told_who_and_since_when(bed: StateBed, key: str) -> None:
    clock = ManualClock()
    take(bed.lock(clock, key))
    with pytest.raises(Stopped) as caught:
        take(bed.lock(clock, key))
    assert "orders is being rebuilt by run 7f3a-c21e on ci-1 (process 7)" in caught.value.message
    assert "since 2026-11-20T02:00:00+00:00" in caught.value.message
    assert "last heartbeat was" in caught.value.message
    assert caught.value.hint == "wait for it to end"


def test_a_lock_that_was_given_back_is_free_and_its_token_is_not_used_again(
    bed: StateBed, key: str
) -> None:
    tokens = []
    for _ in range(3):
        lock = take(bed.lock(ManualClock(), key))
        tokens.append(lock.claim.token)
        lock.release()
    assert tokens == [1, 2, 3]


def test_a_stale_lock_is_broken_only_on_request(bed: StateBed, key: str, ages: Ages) -> None:
    take(bed.lock(ages.clock, key))
    ages.clock.sleep(STALE_SECONDS)
    with pytest.raises(Stopped) as caught:
        take(bed.lock(ages.clock, key))
    assert "--break-lock" in str(caught.value.hint)
    assert take(bed.lock(ages.clock, key), break_stale=True).claim.token == 2


def test_a_lock_that_is_renewed_is_not_broken_even_on_request(
    bed: StateBed, key: str, ages: Ages
) -> None:
    """Who asks for it waits until the lock is stale, or sees that its holder is alive."""
    first = take(bed.lock(ages.clock, key))
    ages.clock.sleep(STALE_SECONDS / 2)
    notes: list[str] = []

    def note(text: str) -> None:
        notes.append(text)
        first.renew()

    with pytest.raises(Stopped, match="is being rebuilt"):
        bed.lock(ages.clock, key).acquire(
            "orders", "0000-0000", ELSEWHERE, break_stale=True, note=note
        )
    assert notes == ["waiting to see whether run 7f3a-c21e on ci-1 is alive"]
    first.require(fresh=True)


def test_a_lock_that_is_asked_for_is_taken_once_it_is_stale(
    bed: StateBed, key: str, ages: Ages
) -> None:
    take(bed.lock(ages.clock, key))
    began = ages.clock.monotonic()
    take(bed.lock(ages.clock, key), break_stale=True)
    assert STALE_SECONDS <= ages.clock.monotonic() - began <= STALE_SECONDS + HEARTBEAT_SECONDS


def test_a_holder_that_lost_the_lock_learns_it_and_does_not_touch_it_again(
    bed: StateBed, key: str, ages: Ages
) -> None:
    first = take(bed.lock(ages.clock, key))
    ages.clock.sleep(STALE_SECONDS)
    second = take(bed.lock(ages.clock, key), break_stale=True)
    with pytest.raises(Stopped, match="has lost its lock on orders: run 7f3a-c21e on ci-1"):
        first.require(fresh=True)
    first.release()
    second.require(fresh=True)
    with pytest.raises(Stopped, match="has lost its lock"):
        first.require()


def test_a_machine_that_slept_asks_before_it_goes_on(bed: StateBed, key: str, ages: Ages) -> None:
    first = take(bed.lock(ages.clock, key))
    first.require()
    ages.clock.sleep(STALE_SECONDS)
    take(bed.lock(ages.clock, key), break_stale=True)
    with pytest.raises(Stopped, match="has lost its lock"):
        first.require()


def test_a_heartbeat_is_sent_when_it_is_due(bed: StateBed, key: str, ages: Ages) -> None:
    lock = take(bed.lock(ages.clock, key))
    assert lock.beat() is None
    assert lock.claim.beats == 0
    ages.clock.sleep(HEARTBEAT_SECONDS)
    assert lock.beat() is None
    assert lock.claim.beats == 1


def test_a_holder_that_cannot_renew_stops_before_anyone_may_take_it_for_dead(
    bed: StateBed, key: str, ages: Ages, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = take(bed.lock(ages.clock, key))

    def unreachable(*_: object) -> None:
        message = "S3 cannot be reached"
        raise Stopped(message)

    monkeypatch.setattr(bed.objects, "put_if", unreachable)
    ages.clock.sleep(HEARTBEAT_SECONDS)
    assert lock.beat() is None
    ages.clock.sleep(UNSURE_SECONDS)
    lost = lock.beat()
    assert lost is not None
    assert "could not be renewed: S3 cannot be reached" in lost.message
    assert UNSURE_SECONDS + HEARTBEAT_SECONDS < STALE_SECONDS


def test_a_holder_whose_process_has_ended_holds_nothing(bed: StateBed, key: str) -> None:
    """As with the lock on this machine, which the system frees when a process dies."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    alive = replace(this_process(), pid=process.pid, started=started(process.pid))
    take(bed.lock(ManualClock(), key), process=alive)
    with pytest.raises(Stopped, match="is being rebuilt"):
        take(bed.lock(ManualClock(), key))
    process.communicate(timeout=PATIENCE_SECONDS)
    assert take(bed.lock(ManualClock(), key)).claim.token == 2


def started(pid: int) -> str:
    """Return when a process began, read in another way than the code under test does."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:  # noqa: PTH123 -- as a shell would
        return stat.read().split()[21]


def test_of_a_process_elsewhere_nothing_is_known() -> None:
    mine = this_process()
    assert not has_ended(mine)
    assert has_ended(replace(mine, started="0"))
    assert not has_ended(replace(mine, started="0", machine="another"))
    assert not has_ended(replace(mine, started="0", machine=None))
    assert mine.pid == os.getpid()


def test_what_is_no_lock_of_ours_stops_the_run(bed: StateBed, key: str) -> None:
    bed.objects.put(BUCKET, key, b"[]")
    with pytest.raises(Stopped, match="not written by this version"):
        take(bed.lock(ManualClock(), key))
