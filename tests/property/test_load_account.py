"""I2, I3: whatever order items end in, all up to a file's mark is settled, and counted once."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.datafile import CheckedFile
from retable.runner.load.account import Entry, Fate, FileState, FileTally
from retable.transforms.outcome import Result

FILE = CheckedFile(key="a", path=Path(), item_count=0, md5="")
RESULT = Result(item_json=b"{}", key="{}", digest=(0, 0), size=2)

LINES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda pair: (max(pair), min(pair))),
    max_size=12,
)
"""For each line: how many results it has, and how many of them lost a collision."""


@given(lines=LINES, data=st.data())
def test_all_up_to_the_mark_is_settled_and_counted_once(
    lines: list[tuple[int, int]], data: st.DataObject
) -> None:
    state = FileState(FILE)
    waiting: list[Entry] = []
    settled: dict[int, list[Fate]] = {}
    mark = 0
    todo = list(enumerate(lines, 1))
    while todo or waiting:
        if todo and (not waiting or data.draw(st.booleans())):
            number, (results, lost) = todo.pop(0)
            account = state.open(number, results, lost)
            state.read_line = number
            settled[number] = ["superseded"] * lost
            waiting += [
                Entry(state=state, line=number, ordinal=n, result=RESULT, account=account)
                for n in range(results - lost)
            ]
        else:
            entry = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            fate: Fate = data.draw(st.sampled_from(["loaded", "quarantined"]))
            state.settle(entry, fate)
            settled[entry.line].append(fate)
        tally = state.tally
        assert tally.line >= mark, "a mark never goes back"
        mark = tally.line
        assert not any(entry.line <= mark for entry in waiting)
        fates = [fate for line, found in settled.items() if line <= mark for fate in found]
        assert tally == FileTally(
            file="a",
            line=mark,
            loaded=fates.count("loaded"),
            superseded=fates.count("superseded"),
            quarantined=fates.count("quarantined"),
        )
    assert mark == len(lines)
    state.is_read = True
    assert state.is_done


@given(lines=LINES)
def test_a_file_that_goes_on_after_a_mark_counts_on(lines: list[tuple[int, int]]) -> None:
    mark = FileTally(file="a", line=7, loaded=5, superseded=1, quarantined=2)
    state = FileState(FILE, mark)
    assert state.tally == mark
    for number, (results, lost) in enumerate(lines, 8):
        account = state.open(number, results, lost)
        state.read_line = number
        for ordinal in range(results - lost):
            entry = Entry(state=state, line=number, ordinal=ordinal, result=RESULT, account=account)
            state.settle(entry, "loaded")
    assert state.tally.line == 7 + len(lines)
    assert state.tally.loaded == 5 + sum(results - lost for results, lost in lines)
    assert state.tally.items == 8 + sum(results for results, _ in lines)
