"""The law of merging: a full export and windows, in whatever format, make the table at the end."""

import shutil
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from retable.runner.export.manifest import View
from retable.runner.table.export_request import Format
from support.history import History
from support.merges import checked, items_of, merge

NAMES = [f"i{number}" for number in range(6)]
WRITES = st.lists(
    st.tuples(st.integers(0, 100), st.sampled_from(NAMES), st.sampled_from([None, 1, 2, 3])),
    max_size=40,
)
FORMATS: st.SearchStrategy[Format] = st.sampled_from(["DYNAMODB_JSON", "ION"])
VIEWS: st.SearchStrategy[View] = st.sampled_from(["NEW_IMAGE", "NEW_AND_OLD_IMAGES"])


@given(
    writes=WRITES,
    cuts=st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True),
    data=st.data(),
)
def test_what_is_left_is_the_table_as_of_the_last_windows_end(
    writes: list[tuple[int, str, int | None]], cuts: list[int], data: st.DataObject
) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        history = History(folder)
        for second, name, value in sorted(writes, key=lambda write: write[0]):
            if value is None:
                history.delete(second, name)
            else:
                history.put(second, name, v={"N": str(value)})
        moments = sorted(cuts)
        full = history.full(moments[0], data.draw(FORMATS))
        windows = [
            history.window(start, end, data.draw(FORMATS), data.draw(VIEWS))
            for start, end in pairwise(moments)
        ]
        data.draw(st.randoms()).shuffle(windows)
        _require_merged(folder, history, moments[-1], full, *windows)
    finally:
        shutil.rmtree(folder)


def _require_merged(folder: Path, history: History, end: float, *made: Any) -> None:
    """The merged items are those of the table at ``end``, each once, and the counts add up."""
    files = checked(*made)
    merged, live = merge(folder / "merge", files)
    items = items_of(live)
    wanted = history.table(end)
    assert len(items) == len(wanted) == merged.merged == sum(file.live for file in live)
    assert {item["id"]["S"]: item for item in items} == wanted
    assert merged.full + merged.changes == merged.merged + merged.outdated + merged.deletions
    assert merged.full == sum(file.item_count for file in files if file.view is None)
