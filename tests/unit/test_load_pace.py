"""The pace of a load: the budget, the room for requests, and how long to back off."""

import asyncio
import itertools
import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.load.in_flight import FIRST_REQUESTS, MOST_BYTES, MOST_REQUESTS, Room
from retable.runner.load.pace import LONGEST_BACKOFF_SECONDS, Pace, backoff_seconds
from support.sandboxes import ManualClock


def paced(rate: int | None) -> tuple[Pace, ManualClock]:
    """Return a pace whose waiting moves its clock."""
    clock = ManualClock()

    async def sleep(seconds: float) -> None:
        clock.sleep(seconds)

    return Pace(rate, clock, sleep), clock


@given(
    rate=st.integers(10, 5000),
    costs=st.lists(st.integers(1, 400), min_size=5, max_size=60),
)
def test_what_is_consumed_never_runs_ahead_of_the_rate_by_more_than_a_second(
    rate: int, costs: list[int]
) -> None:
    pace, clock = paced(rate)
    consumed = 0

    async def load() -> None:
        nonlocal consumed
        for cost in costs:
            guess = await pace.reserve(25)
            # One request may go into debt; those before it are paid for by now.
            assert consumed <= rate * (clock.monotonic() + 1) + 1
            pace.settle(guess, Decimal(cost), 25)
            consumed += cost

    asyncio.run(load())


def test_requests_under_way_are_paid_for_before_their_answers_come() -> None:
    pace, clock = paced(100)

    async def load() -> None:
        for _ in range(10):
            await pace.reserve(25)

    asyncio.run(load())
    # 250 units were reserved: 100 at once, and of the rest all but the last request's debt.
    assert 1.0 <= clock.monotonic() <= 1.6


def test_a_guess_follows_what_indexes_make_items_cost() -> None:
    pace, _ = paced(100)

    async def load() -> float:
        guess = await pace.reserve(10)
        pace.settle(guess, Decimal(40), 10)
        return await pace.reserve(10)

    assert asyncio.run(load()) == 40


def test_an_endpoint_that_reports_nothing_is_paced_by_the_guess() -> None:
    pace, clock = paced(100)

    async def load() -> None:
        for _ in range(20):
            pace.settle(await pace.reserve(25), Decimal(0), 25)

    asyncio.run(load())
    assert 3.5 <= clock.monotonic() <= 4.5


def test_a_throttled_request_gives_its_guess_back() -> None:
    pace, clock = paced(100)

    async def load() -> None:
        for _ in range(20):
            pace.settle(await pace.reserve(25), Decimal(0), 0)

    asyncio.run(load())
    assert clock.monotonic() == 0


def test_without_a_rate_nothing_waits() -> None:
    pace, clock = paced(None)

    async def load() -> None:
        for _ in range(100):
            pace.settle(await pace.reserve(25), Decimal(1000), 25)

    asyncio.run(load())
    assert clock.monotonic() == 0


@given(attempt=st.integers(0, 10_000), seed=st.integers())
def test_backing_off_is_bounded(attempt: int, seed: int) -> None:
    seconds = backoff_seconds(attempt, random.Random(seed))  # noqa: S311 -- jitter
    assert 0 <= seconds <= LONGEST_BACKOFF_SECONDS


def test_backing_off_doubles_on_average() -> None:
    rng = random.Random(1)  # noqa: S311 -- jitter
    means = [sum(backoff_seconds(attempt, rng) for _ in range(2000)) for attempt in range(6)]
    for before, after in itertools.pairwise(means):
        assert 1.8 < after / before < 2.2


def test_room_grows_while_requests_succeed_up_to_a_limit() -> None:
    room = Room()
    assert room.limit == FIRST_REQUESTS
    for _ in range(10_000):
        room.on_success(0.01)
    assert room.limit == MOST_REQUESTS


def test_one_storm_of_throttles_halves_the_room_once() -> None:
    room = Room()
    for _ in range(FIRST_REQUESTS):
        room.on_throttle()
    assert room.limit == FIRST_REQUESTS // 2
    for _ in range(FIRST_REQUESTS // 2 - 1):
        room.on_throttle()
    assert room.limit == FIRST_REQUESTS // 2
    for _ in range(1000):
        room.on_throttle()
    assert room.limit == 1


def test_a_full_room_waits_until_a_place_is_given_back() -> None:
    async def fill() -> None:
        room = Room()
        for _ in range(FIRST_REQUESTS):
            await room.acquire(1)
        waiting = asyncio.ensure_future(room.acquire(1))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        room.release(1)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(fill())


def test_what_is_under_way_is_bounded_in_bytes_even_while_places_are_lent() -> None:
    async def fill() -> None:
        room = Room()
        await room.acquire(2 * MOST_BYTES)
        room.lend()
        waiting = asyncio.ensure_future(room.acquire(1))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        room.reclaim()
        room.release(2 * MOST_BYTES)
        await asyncio.wait_for(waiting, 1)

    asyncio.run(fill())


def test_answers_that_take_longer_ask_for_no_more_requests() -> None:
    room = Room()
    room.on_success(0.01)
    before = room.limit
    for _ in range(1000):
        room.on_success(0.5)
    assert room.limit == before
    for _ in range(1000):
        room.on_success(0.02)
    assert room.limit == MOST_REQUESTS


def test_a_limit_of_the_account_leaves_one_request_at_once() -> None:
    room = Room()
    room.on_throttle(hard=True)
    assert room.limit == 1
    for _ in range(3):
        room.on_success(0.01)
    assert room.limit > 1
