"""What is handed to the table: batches within the limits, no key twice, files in turns."""

import itertools
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.datafile import CheckedFile
from retable.runner.export.spool import IN_PLACE
from retable.runner.load import batches as module
from retable.runner.load.batches import Batch, Stretch, Turn, batches, mapped_lines
from retable.runner.load.progress_account import (
    BLOCK_LINES,
    Block,
    Entry,
    FileState,
    FileTally,
    settle,
)
from retable.transforms import compile_mapping
from retable.transforms.item_outcome import Result
from support.builders import build_spec
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


@pytest.mark.parametrize("count", [0, 1, 124, 125, 126, 999, 1001, 5000])
@pytest.mark.parametrize("files", [1, 3, 11])
def test_a_bounded_number_of_lines_is_read_ahead_and_none_is_lost(count: int, files: int) -> None:
    """Each stretch is taken before the next one is read."""
    sizes = [[10] * count for _ in range(files)]
    places = []
    for stretch in _stretches(sizes):
        assert len(stretch.lines) < module.SHUFFLED_LINES + BLOCK_LINES
        places += [(turn.state.file.key, number) for turn, _, number, _ in stretch.lines]
    assert sorted(places) == [
        (str(n), m) for n in sorted(range(files), key=str) for m in _to(count)
    ]


def test_files_are_mixed_in_every_stretch_but_the_last_ones() -> None:
    first, *_ = _stretches([[10] * 5_000 for _ in range(20)])
    assert len({turn.state.file.key for turn, *_ in first.lines}) == module.OPEN_FILES


@pytest.mark.parametrize(
    "sizes", [[4_000_000] * 60, [10] * 900 + [400_000] * 400, [400_000] * 90 + [10] * 900]
)
def test_large_lines_are_bounded_by_their_bytes(sizes: list[int]) -> None:
    """Whatever comes after what."""
    seen = 0
    for stretch in _stretches([sizes] * 3):
        assert stretch.size <= module.SHUFFLED_BYTES + module.BLOCK_BYTES + max(sizes)
        seen += len(stretch.lines)
    assert seen == 3 * len(sizes)


def test_a_line_is_released_once_it_is_mapped(tmp_path: Path) -> None:
    mapping = compile_mapping(Loading(tmp_path).spec)
    stretches = list(_stretches([[10] * 50]))
    found = mapped_lines(mapping, iter(stretches))
    next(found)
    assert len(stretches[0].lines) < 50


def test_lines_that_a_mark_covers_are_not_read_again(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    file = max(loading.files, key=lambda file: file.item_count)
    state = FileState(file, FileTally(file=file.key, line=7))
    read = module.in_turns([state], lambda _: frozenset(), IN_PLACE)
    found = module.entries_of(mapped_lines(compile_mapping(loading.spec), read))
    assert [entry.line for entry in found] == list(range(8, file.item_count + 1))


SPLIT = """
spec: 1
name: split
source: {table: orders, export: {kind: native, location: s3://acme-exports/}}
target: {table: orders-v2, key: {partition: {name: id, type: S}, sort: {name: part, type: S}}}
transform:
  items:
    - {copy: all, fields: {part: "'A'"}}
    - {copy: all, fields: {part: "'B'"}}
    - {copy: all, fields: {part: "'C'"}}
"""


def test_i3_a_line_of_several_items_is_not_settled_by_the_first_of_them(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    file = max(loading.files, key=lambda file: file.item_count)
    lost = frozenset((line, 1) for line in _to(file.item_count))
    read = module.in_turns([FileState(file)], lambda _: lost, IN_PLACE)
    mapping = compile_mapping(build_spec(tmp_path, SPLIT))
    blocks = {}
    for entry in module.entries_of(mapped_lines(mapping, read)):
        blocks[id(entry.block)] = entry.block
        settle([entry], "loaded")
        assert entry.block.is_closed == (entry.line == file.item_count and entry.ordinal == 2)
    (block,) = blocks.values()
    assert (block.loaded, block.superseded) == (2 * file.item_count, file.item_count)


def _to(count: int) -> range:
    return range(1, count + 1)


def _stretches(sizes: list[list[int]]) -> Iterator[Stretch]:
    """Read files, each of lines of these sizes, that come from nowhere."""
    found = [
        CheckedFile(key=str(n), path=Path(), item_count=len(each), md5="")
        for n, each in enumerate(sizes)
    ]

    def lines(_: object, file: CheckedFile) -> Iterator[tuple[int, bytes]]:
        return enumerate((bytes(size) for size in sizes[int(file.key)]), 1)

    with patch.object(module, "_held_lines", lines):
        for one in module.in_turns([FileState(f) for f in found], lambda _: frozenset(), IN_PLACE):
            if isinstance(one, Turn):
                one.begin()
            else:
                yield one


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
        assert len(batch) <= module.MAX_BATCH_ITEMS
        assert len({entry.result.key for entry in batch}) == len(batch)
        size = sum(len(entry.result.item_json) for entry in batch)
        assert size <= module.MAX_BATCH_BYTES or len(batch) == 1


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
    found = module.in_batches(iter(entries))
    return (batch.entries for batch in found if isinstance(batch, Batch))


def _entry(key: str, size: int) -> Entry:
    result = Result(item_json=b"x" * size, key=key, digest=(0, 0), size=size)
    return Entry(None, Block(), 1, 0, result)  # type: ignore[arg-type]  # not looked at
