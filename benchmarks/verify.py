"""How fast two ledgers are compared, beside DuckDB's own scan and hash join of the same files.

Prints one JSON object. Both work on the same Parquet files, each in a process of its own, under the
same memory limit and with the same threads; CPU seconds, seconds and the peak of the resident
memory are quoted. ``by_hand`` is what one writes to find the differences and no more: a full join
by key that counts where the digests disagree. ``ledger_share`` is how much of a dry run's CPU time
goes into writing its ledger. Nothing is judged here: what is too slow is for the reader to say.
"""
# ruff: noqa: S608 -- numbers and paths of our own

import argparse
import base64
import gzip
import hashlib
import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import orjson

from retable.runner.duck import MEMORY_LIMIT, database
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.lines import stream_lines
from retable.runner.ledger.independent import count_export
from retable.runner.ledger.questions import Ledger
from retable.runner.ledger.write_ledger import LedgerWriter
from retable.runner.verify.compare import compare
from retable.schema import load_spec
from retable.transforms import compile_mapping
from retable.transforms.item_outcome import Outcome

PARTS = 8
PIECE = 2_000
SPEC = """
spec: 1
name: bench
source: {table: orders, export: {kind: native, location: .}}
target:
  table: orders-2
  key:
    partition: {name: customer, type: S}
    sort: {name: at, type: S}
transform: {fields: {at: "join('#', [created, id])"}}
"""


def main() -> None:
    """Build both ledgers, compare them in both ways and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000, help="rows of each ledger")
    parser.add_argument("--differences", type=int, default=1_000, help="rows that differ")
    parser.add_argument("--lines", type=int, default=200_000, help="lines of the dry run")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary one otherwise")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        _build(folder, asked.rows, asked.differences)
        ours = _measured(_compare, folder)
        theirs = _measured(_by_hand, folder)
    result = {
        "rows": asked.rows,
        "memory_limit": MEMORY_LIMIT,
        "compare": ours,
        "by_hand": theirs,
        "cpu_ratio": round(ours["cpu_seconds"] / theirs["cpu_seconds"], 2),
        "ratio": round(ours["seconds"] / theirs["seconds"], 2),
        "ledger_share": round(_ledger_share(asked.lines), 3),
    }
    print(json.dumps(result))


def _build(folder: Path, rows: int, differences: int) -> None:
    """Write both ledgers; the actual one in another order, with some digests changed."""
    for name in ("expected", "actual"):
        (folder / "ledger" / name).mkdir(parents=True)
    every = max(rows // differences, 1)
    key = """'{"customer":{"S":"c-' || (i % 999983) || '"},"at":{"S":"2026-01-02#' || i || '"}}'"""
    with database(folder / "spill") as connection:
        for part in range(PARTS):
            low, high = rows * part // PARTS, rows * (part + 1) // PARTS
            expected = f"""select 'data/{part}.json.gz' as source_file, i as source_line,
                0::integer as ordinal, 'kept' as outcome, null::varchar as reason, {key} as key,
                md5_number_lower(i::varchar) as digest_hi,
                md5_number_upper(i::varchar) as digest_lo, 480::bigint as size,
                md5_number_lower('l' || i) as line_md5_lower,
                md5_number_upper('l' || i) as line_md5_upper, null::blob as rank
                from range({low}, {high}) as numbers(i)"""
            actual = f"""select {key} as key,
                md5_number_lower(if(i % {every} = 7, 'x', '') || i) as digest_hi,
                md5_number_upper(i::varchar) as digest_lo, 480::bigint as size
                from (select {rows} - 1 - n as i from range({low}, {high}) as numbers(n))"""
            for name, sql in (("expected", expected), ("actual", actual)):
                path = folder / "ledger" / name / f"{part:05d}.parquet"
                connection.execute(f"copy ({sql}) to '{path}' (format parquet, compression zstd)")


def _compare(folder: Path) -> int:
    """Compare as a verification does, and return how many items differ."""
    found = compare(
        folder / "ledger" / "expected",
        quarantined=None,
        actual=folder / "ledger" / "actual",
        diff=folder / "diff.jsonl",
    )
    return found.different


def _by_hand(folder: Path) -> int:
    """Join both sides by key and return where the digests disagree."""
    with database(folder / "spill") as connection:
        ((found,),) = connection.execute(
            f"""select count(*) from (select key, digest_hi, digest_lo
                from read_parquet('{folder}/ledger/expected/*.parquet')
                where key is not null) as must
            full join (select key, digest_hi, digest_lo
                from read_parquet('{folder}/ledger/actual/*.parquet')) as found using (key)
            where must.digest_hi is distinct from found.digest_hi
                or must.digest_lo is distinct from found.digest_lo"""
        ).fetchall()
    return int(found)


def _measured(work: Callable[[Path], int], folder: Path) -> dict[str, Any]:
    """Return what ``work`` takes in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measure, (work, folder))


def _measure(work: Callable[[Path], int], folder: Path) -> dict[str, Any]:
    # An own database first, so that loading DuckDB is nobody's cost.
    duckdb.connect().execute("select 1")
    began, used = time.perf_counter(), time.process_time()
    found = work(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "differences": found,
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "peak_rss_mb": round(peak / (1_000_000 if sys.platform == "darwin" else 1_000)),
    }


def _ledger_share(count: int) -> float:
    """Return the share of a dry run's CPU time that writing the ledger takes.

    The dry run is that of a large export: reading, mapping and the ledger, the independent count,
    and the questions to the ledger. The profile, which looks at a bounded number of items, is left
    out.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = folder / "bench.migrate.yaml"
        spec.write_text(SPEC, "utf-8")
        lines = [_line(number) for number in range(count)]
        file = _data_file(folder / "0.json.gz", lines)
        mapped, both = _mapping(compile_mapping(load_spec(spec)).apply, lines, folder)
        read = _cpu(lambda: deque(stream_lines(file), maxlen=0))
        asked = _cpu(lambda: _ask(file, Ledger(folder)))
    return (both - mapped) / (read + both + asked)


def _mapping(
    apply: Callable[[bytes], Outcome], lines: Sequence[bytes], folder: Path
) -> tuple[float, float]:
    """Return the CPU seconds of mapping alone, and of mapping into a ledger.

    Both take turns at short pieces, so that whatever else the machine does slows both alike.
    """
    mapped = both = 0.0
    with LedgerWriter(folder / "00000.parquet", "data/0.json.gz") as writer:

        def write(piece: Sequence[bytes], start: int) -> None:
            for number, line in enumerate(piece, start + 1):
                writer.add(number, line, apply(line))

        for start in range(0, len(lines), PIECE):
            piece = lines[start : start + PIECE]
            # The first to touch a line waits for it, so neither is it always.
            if start // PIECE % 2:
                mapped += _cpu(partial(deque, map(apply, piece), 0))
                both += _cpu(partial(write, piece, start))
            else:
                both += _cpu(partial(write, piece, start))
                mapped += _cpu(partial(deque, map(apply, piece), 0))
        both += _cpu(writer.close)
    return mapped, both


def _ask(file: CheckedFile, ledger: Ledger) -> None:
    """Count the file a second time and ask the ledger what a dry run does."""
    count_export([file])
    ledger.lines()
    ledger.superseded(None)
    ledger.collisions(100)
    ledger.sizes()
    ledger.rejects_by_reason()


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _data_file(path: Path, lines: Sequence[bytes]) -> CheckedFile:
    body = gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)
    path.write_bytes(body)
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    return CheckedFile(key=path.name, path=path, item_count=len(lines), md5=digest)


def _line(number: int) -> bytes:
    item = {
        "id": {"S": f"o-{number}"},
        "customer": {"S": f"c-{number % 999}"},
        "created": {"S": "2026-01-02T03:04:05Z"},
        "total": {"N": f"{number}.5"},
        "note": {"S": "x" * 200},
        "lines": {"L": [{"M": {"sku": {"S": f"s-{n}"}, "qty": {"N": str(n)}}} for n in range(3)]},
    }
    return orjson.dumps({"Item": item})


if __name__ == "__main__":
    main()
