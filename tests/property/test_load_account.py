"""I2, I3: whatever order items end in, all up to a file's mark is settled, and counted once."""

from pathlib import Path
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.datafile import CheckedFile
from retable.runner.load.progress_account import Block, Entry, FileState, FileTally, settle
from retable.transforms.item_outcome import Result

FILE = CheckedFile(key="a", path=Path(), item_count=0, md5="")
RESULT = Result(item_json=b"{}", key="{}", digest=(0, 0), size=2)
Fate = Literal["loaded", "quarantined"]

LINES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (max(pair), min(pair))),
    max_size=14,
)
"""For each line: how many results it has, and how many of them lost a collision."""


@given(lines=LINES, span=st.integers(1, 5), data=st.data())
def test_all_up_to_the_mark_is_settled_and_counted_once(
    lines: list[tuple[int, int]], span: int, data: st.DataObject
) -> None:
    state = FileState(FILE)
    waiting: list[Entry] = []
    settled: dict[int, list[str]] = {}
    todo = list(enumerate(lines, 1))
    unmapped: list[tuple[Block, int, tuple[int, int]]] = []
    mark = 0
    while todo or unmapped or waiting:
        if todo and (not unmapped or data.draw(st.booleans())):
            read, todo = todo[:span], todo[span:]
            block = Block()
            block.last, block.unmapped = read[-1][0], len(read)
            state.begin(block)
            unmapped += [(block, line, made) for line, made in read]
        elif unmapped and (not waiting or data.draw(st.booleans())):
            place = data.draw(st.integers(0, len(unmapped) - 1))
            block, line, (results, lost) = unmapped.pop(place)
            settled[line] = ["superseded"] * lost
            block.superseded += lost
            block.dispatched += results - lost
            waiting += [Entry(state, block, line, n, RESULT) for n in range(results - lost)]
            block.unmapped -= 1
        elif waiting:
            entry = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            fate: Fate = data.draw(st.sampled_from(["loaded", "quarantined"]))
            settle([entry], fate)
            settled[entry.line].append(fate)
        state.is_read = not todo
        done = state.close()
        tally = state.tally
        assert tally.line >= mark, "a mark never goes back"
        mark = tally.line
        assert not any(entry.line <= mark for entry in waiting)
        assert not any(line <= mark for _, line, _ in unmapped)
        fates = [fate for line, found in settled.items() if line <= mark for fate in found]
        assert tally == FileTally(
            file="a",
            line=mark,
            loaded=fates.count("loaded"),
            superseded=fates.count("superseded"),
            quarantined=fates.count("quarantined"),
        )
        assert done == (not todo and not unmapped and not waiting)
    assert mark == len(lines)


def test_a_file_that_resumes_after_a_mark_continues_its_counts() -> None:
    mark = FileTally(file="a", line=7, loaded=5, superseded=1, quarantined=2)
    state = FileState(FILE, mark)
    block = Block()
    block.dispatched, block.last = 2, 9
    state.begin(block)
    settle([Entry(state, block, 8, 0, RESULT)], "loaded")
    assert not state.close()
    assert state.tally == mark
    settle([Entry(state, block, 9, 0, RESULT)], "quarantined")
    state.is_read = True
    assert state.close()
    assert state.tally == FileTally(file="a", line=9, loaded=6, superseded=1, quarantined=3)
    assert state.tally.items == 10


def test_a_file_of_nothing_is_done_once_it_is_read() -> None:
    state = FileState(FILE)
    state.is_read = True
    assert state.close()
    assert state.tally == FileTally(file="a")
