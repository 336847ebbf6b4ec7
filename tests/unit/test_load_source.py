"""What is handed to the table: batches within the limits, no key twice, files in turns."""

from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.load import source
from retable.runner.load.source import Entry, FileState, batches
from retable.transforms import compile_mapping
from retable.transforms.outcome import Result
from support.loads import COUNT, Loading


def states(loading: Loading) -> list[FileState]:
    return [FileState(file=file) for file in loading.files]


def test_files_are_read_in_turns(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    found = list(batches(compile_mapping(loading.spec), states(loading), lambda _: frozenset()))
    entries = [entry for batch in found for entry in batch.entries]
    assert len(entries) == COUNT
    first = [entry.state.file.key for entry in entries[:9]]
    assert len(set(first)) == 3
    assert {(entry.state.file.key, entry.line) for entry in entries} == {
        (file.key, line) for file in loading.files for line in range(1, file.item_count + 1)
    }


def test_a_file_ends_in_the_batch_of_its_last_item_or_later(tmp_path: Path) -> None:
    loading = Loading(tmp_path)
    over: set[str] = set()
    for batch in batches(compile_mapping(loading.spec), states(loading), lambda _: frozenset()):
        assert over.isdisjoint(entry.state.file.key for entry in batch.entries)
        over |= {state.file.key for state in batch.ended}
    assert over == {file.key for file in loading.files}


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


def _batched(entries: list[Entry]) -> Iterable[list[Entry]]:
    """Run the batching over entries that come from nowhere."""
    return (batch.entries for batch in source.in_batches(iter(entries)))


def _entry(key: str, size: int) -> Entry:
    result = Result(item_json=b"x" * size, key=key, digest=(0, 0), size=size)
    return Entry(state=None, line=1, ordinal=0, result=result)  # type: ignore[arg-type]  # not looked at
