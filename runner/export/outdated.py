"""The lines of a data file that are outdated: ``merge_incrementals`` finds them, readers skip them.

The list is one Parquet file for all data files, sorted by ``file`` (a data file's index) and
``line`` (from 1).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet


@dataclass(frozen=True, slots=True)
class Outdated:
    """The ``count`` lines of the data file numbered ``file`` that the list in ``path`` names."""

    path: Path
    file: int
    count: int


def outdated_of(path: Path, files: int) -> tuple[Outdated | None, ...]:
    """Return the outdated lines of each of ``files`` data files, from the list in ``path``."""
    counts: Counter[int] = Counter()
    for batch in parquet.ParquetFile(path).iter_batches(columns=["file"]):
        for entry in batch.column("file").value_counts():
            counts[entry["values"].as_py()] += entry["counts"].as_py()
    return tuple(
        Outdated(path, number, counts[number]) if counts[number] else None
        for number in range(files)
    )


def outdated_lines(outdated: Outdated) -> Iterator[int]:
    """Yield the numbers of the outdated lines, in ascending order."""
    listed = parquet.ParquetFile(outdated.path)
    column = listed.schema_arrow.get_field_index("file")
    for group in range(listed.num_row_groups):
        span = listed.metadata.row_group(group).column(column).statistics
        if span.min <= outdated.file <= span.max:
            table = listed.read_row_group(group, columns=["file", "line"])
            # pyarrow makes its compute functions while it is imported, where pyright sees none.
            equal = pc.equal  # pyright: ignore[reportAttributeAccessIssue]
            own = table.filter(equal(table.column("file"), pa.scalar(outdated.file)))
            yield from own.column("line").to_pylist()
