"""What is handed to the table: batches within the limits, no key twice, files in turns."""

import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.load import source
from retable.runner.load.account import Block, Entry, FileState
from retable.runner.load.source import Batch, Turn, batches, shuffled
from retable.transforms import compile_mapping
from retable.transforms.outcome import Result
from support.loads import COUNT, Loading


def chance(seed: int) -> random.Random:
    """Return the same order every time."""
    return random.Random(seed)  # noqa: S311 -- an order needs no secrecy


def states(loading: Loading) -> list[FileState]:
    return [FileState(file) for file in loading.files]


def test_files_are_read_in_turns(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    found = list(all_batches(loading))
    entries = [entry for batch in found for entry in batch.entries]
    assert len(entries) == COUNT
    first = [entry.state.file.key for entry in entries[:9]]
    assert len(set(first)) == 3
    assert {(entry.state.file.key, entry.line) for entry in entries} == {
        (file.key, line) for file in loading.files for line in range(1, file.item_count + 1)
    }


def test_every_file_ends_once(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    ended = [state.file.key for batch in all_batches(loading) for state in batch.ended]
    assert sorted(ended) == sorted(file.key for file in loading.files)


def test_neighbours_in_a_file_are_no_neighbours_in_the_load(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    (state,) = [one for one in states(loading) if one.file.item_count > 30][:1]
    none = frozenset[tuple[int, int]]()
    mapping = compile_mapping(loading.spec)
    found = list(_begun(batches(mapping, [state], lambda _: none, chance(3))))
    lines = [entry.line for batch in found for entry in batch.entries]
    assert sorted(lines) == list(range(1, state.file.item_count + 1))
    steps = [abs(after - before) for before, after in itertools.pairwise(lines)]
    assert steps.count(1) < len(steps) / 4


@pytest.mark.parametrize("count", [0, 1, 999, 1001, 5000])
def test_a_shuffle_holds_a_bounded_number_back_and_loses_nothing(count: int) -> None:
    held = 0
    most = 0

    def arriving() -> Iterator[Entry]:
        nonlocal held, most
        for number in range(count):
            held += 1
            most = max(most, held)
            yield _entry(str(number), 10)

    seen = []
    for entry in shuffled(arriving(), chance(1)):
        held -= 1
        assert isinstance(entry, Entry)
        seen.append(int(entry.result.key))
    assert sorted(seen) == list(range(count))
    assert most <= source.SHUFFLED_ITEMS + 1


def test_a_shuffle_of_large_items_is_bounded_by_their_bytes() -> None:
    found = shuffled((_entry(str(n), 4_000_000) for n in range(100)), chance(1))
    first = next(found)
    assert isinstance(first, Entry)
    assert int(first.result.key) <= 9


def test_large_items_after_small_ones_do_not_fill_a_shuffle_beyond_its_bytes() -> None:
    sizes = [10] * 900 + [400_000] * 400
    held = 0

    def arriving() -> Iterator[Entry]:
        nonlocal held
        for number, size in enumerate(sizes):
            held += size
            assert held <= source.SHUFFLED_BYTES + 400_000
            yield _entry(str(number), size)

    for entry in shuffled(arriving(), chance(1)):
        assert isinstance(entry, Entry)
        held -= len(entry.result.item_json)


@given(
    items=st.lists(
        st.tuples(st.integers(0, 30), st.sampled_from([10, 1_000, 400_000, 3_000_000])),
        max_size=120,
    )
)
def test_no_batch_breaks_a_limit_or_holds_a_key_twice(items: list[tuple[int, int]]) -> None:
    entries = [_entry(str(key), size) for key, size in items]
    found = list(_batched(entries))
    assert [entry for batch in found for entry in batch] == entries
    for batch in found:
        assert len(batch) <= source.MAX_BATCH_ITEMS
        assert len({entry.result.key for entry in batch}) == len(batch)
        size = sum(len(entry.result.item_json) for entry in batch)
        assert size <= source.MAX_BATCH_BYTES or len(batch) == 1


def all_batches(loading: Loading) -> Iterator[Batch]:
    """Return the batches of all files."""
    mapping = compile_mapping(loading.spec)
    return _begun(batches(mapping, states(loading), lambda _: frozenset(), chance(1)))


def _begun(found: Iterator[Batch | Turn]) -> Iterator[Batch]:
    """Begin every file at once and yield the batches."""
    for one in found:
        if isinstance(one, Turn):
            one.begin()
        else:
            yield one


def _batched(entries: list[Entry]) -> Iterable[list[Entry]]:
    """Run the batching over entries that come from nowhere."""
    found = source.in_batches(iter(entries))
    return (batch.entries for batch in found if isinstance(batch, Batch))


def _entry(key: str, size: int) -> Entry:
    result = Result(item_json=b"x" * size, key=key, digest=(0, 0), size=size)
    return Entry(None, Block(), 1, 0, result)  # type: ignore[arg-type]  # not looked at
