"""Distinguishes expired items from lost ones: what time to live has deleted since is not missing.

An item counts as expired if the table has time to live enabled, and the item's attribute is a
number of seconds in the past, but by no more than five years: DynamoDB does not delete older ones.
"""

from collections.abc import Iterator
from pathlib import Path

import orjson

from retable.runner.disk import replace_durably
from retable.runner.duck import database, file_list, literal
from retable.runner.verify.compare import DIFF, SPILL
from retable.runner.verify.drill import Drill
from retable.transforms.expiry import has_expired
from retable.transforms.item_outcome import Kept


def write_expired(actual: Path, drill: Drill, attribute: str, now: int, path: Path) -> int:
    """Write the keys of missing items that expired by ``now`` to ``path``; return their number.

    ``actual`` is the folder of the actual ledger, beside which the comparison left the missing
    items; ``now`` is in seconds of the Unix epoch.

    Raises:
        CheckFailed: a data file is not the one that was checked.
        Stopped: DuckDB ran out of memory or disk, or cannot read a file.
    """
    found = 0
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        for key in _expired(actual, drill, attribute, now):
            file.write(orjson.dumps({"key": key}) + b"\n")
            found += 1
    replace_durably(temporary, path)
    return found


def _expired(actual: Path, drill: Drill, attribute: str, now: int) -> Iterator[str]:
    """Yield the key of each missing item that has expired, file by file."""
    missing = f"from read_parquet({file_list([actual.parent / DIFF])}) where kind = 'missing'"
    with database(actual.parent / SPILL) as connection:
        files = connection.execute(f"select distinct source_file {missing} order by 1").fetchall()
        for (name,) in files:
            rows = connection.execute(
                f"select source_line, key {missing} and source_file = {literal(name)}"
            ).fetchall()
            keys = {key for _, key in rows}
            for _, outcome in drill.exported({(name, line) for line, _ in rows}):
                results = outcome.results if isinstance(outcome, Kept) else ()
                for result in results:
                    if result.key not in keys:
                        continue
                    if has_expired(orjson.loads(result.item_json), attribute, now):
                        yield result.key
