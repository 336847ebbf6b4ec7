"""The local engine: every item once, whole files or none, the same files again."""

import base64
import gzip
import hashlib
import multiprocessing
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import psutil  # type: ignore[import-untyped]  # it comes without types
import pytest
from pyarrow import parquet

from retable.runner.engine.local import LineMapping, Tally, map_files
from retable.runner.export.datafile import CheckedFile
from retable.runner.failure import CheckFailed, Stopped
from retable.runner.ledger.independent import agree, count_export
from retable.runner.ledger.questions import Ledger
from retable.runner.progress import NoProgress
from support.exports import MadeExport, make_export, packed
from support.mappings import ByNumber, InterruptedAt, KilledAt
from support.patience import PATIENCE_SECONDS

ITEMS = 2_000
WANTED = Tally(read=2_000, kept=1_143, dropped=667, rejected=190, results=1_143)


class Recorder(NoProgress):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[int, int | None, str]] = []

    def advance(self, done: int, total: int | None, unit: str) -> None:
        self.told.append((done, total, unit))


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> MadeExport:
    return make_export(tmp_path_factory.mktemp("export"), ITEMS)


@pytest.fixture(scope="module")
def files(export: MadeExport) -> tuple[CheckedFile, ...]:
    return export.check()


@pytest.fixture
def small_pools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let worker processes map even a small export."""
    monkeypatch.setattr("retable.runner.engine.local.SMALL_EXPORT_ITEMS", 0)


def run(
    folder: Path,
    files: tuple[CheckedFile, ...],
    mapping: LineMapping | None = None,
    processes: int = 1,
    progress: NoProgress | None = None,
) -> Tally:
    return map_files(
        mapping or ByNumber(),
        files,
        folder / "ledger",
        folder / "rejects",
        processes=processes,
        progress=progress or NoProgress(),
    )


def content(folder: Path) -> dict[str, str]:
    """Return the digest of every file below ``folder``."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("processes", [1, 2, 9])
def test_i3_every_item_is_counted_once(
    tmp_path: Path, export: MadeExport, files: tuple[CheckedFile, ...], processes: int
) -> None:
    assert run(tmp_path, files, processes=processes) == WANTED
    counts = Ledger(tmp_path / "ledger").counts()
    assert (counts.read, counts.kept, counts.dropped) == (WANTED.read, WANTED.kept, WANTED.dropped)
    assert (counts.rejected, counts.results) == (WANTED.rejected, WANTED.results)
    agree(count_export(files), Ledger(tmp_path / "ledger"), export.open())


@pytest.mark.usefixtures("small_pools")
def test_i7_the_files_do_not_depend_on_processes_order_or_what_was_there(
    tmp_path: Path, files: tuple[CheckedFile, ...]
) -> None:
    run(tmp_path, files)
    before = content(tmp_path)
    assert len(before) == 4 + 3  # of the four data files one is empty
    for name in ("ledger/00009.parquet", "ledger/superseded.parquet", "rejects/00003.jsonl"):
        (tmp_path / name).write_bytes(b"of an earlier pass")
    (tmp_path / "ledger" / "00001.parquet.part").write_bytes(b"torn")
    (tmp_path / "ledger" / ".spill").mkdir()
    run(tmp_path, files[::-1], processes=2)
    assert content(tmp_path) == before


def test_each_data_file_has_its_part_by_its_place_among_the_sorted_ones(
    tmp_path: Path, files: tuple[CheckedFile, ...]
) -> None:
    run(tmp_path, files)
    for number, file in enumerate(files):
        rows = parquet.read_table(tmp_path / "ledger" / f"{number:05d}.parquet")
        assert set(rows["source_file"].to_pylist()) <= {file.key}
        assert rows["source_line"].to_pylist() == list(range(1, file.item_count + 1))


def test_rejected_lines_are_kept_whole_with_place_and_reason(tmp_path: Path) -> None:
    hostile = [b'{"Item":{"id":{"N":"7"}}}', b"\xff\xfe\x00", "é\x1b[31m\u2028".encode(), b"{}"]
    made = make_export(tmp_path / "export", 0)
    made.set_data(packed(hostile), len(hostile))
    files = made.check()
    assert run(tmp_path, files).rejected == 4
    (path,) = (tmp_path / "rejects").iterdir()
    entries = [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
    assert [_line(entry) for entry in entries] == hostile
    assert [("line_base64" in entry, entry["source_line"]) for entry in entries] == [
        (False, 1),
        (True, 2),
        (False, 3),
        (False, 4),
    ]
    assert entries[0]["reason"] == "missing-key"
    assert entries[0]["detail"] == "there is no customer_id"
    assert entries[0]["source_file"] == made.entries()[0]["dataFileS3Key"]


def test_an_export_without_items_gives_empty_ledgers(tmp_path: Path) -> None:
    files = make_export(tmp_path / "export", 0).check()
    assert run(tmp_path, files, processes=2) == Tally()
    assert Ledger(tmp_path / "ledger").counts().read == 0
    assert run(tmp_path, ()) == Tally()


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("processes", [1, 2])
def test_a_file_replaced_since_the_check_fails_and_leaves_no_part_of_it(
    tmp_path: Path, export: MadeExport, processes: int
) -> None:
    copy = tmp_path / "export"
    shutil.copytree(export.root, copy)
    files = MadeExport(copy).check()
    full = [number for number, file in enumerate(files) if file.item_count]
    files[full[1]].path.write_bytes(packed([b"{}"] * files[full[1]].item_count))
    with pytest.raises(CheckFailed, match=f"{re.escape(files[full[1]].key)}: MD5 is") as failed:
        run(tmp_path, files, processes=processes)
    assert failed.value.hint == "the file has been replaced since; make a new export"
    names = set(content(tmp_path / "ledger"))
    assert f"{full[1]:05d}.parquet" not in names
    assert not [name for name in names if name.endswith(".part")]


@pytest.mark.usefixtures("small_pools")
def test_a_worker_that_dies_stops_the_run_and_names_its_file(tmp_path: Path) -> None:
    """Its part is not there, whatever it had written of it (I3)."""
    files = make_export(tmp_path / "export", ITEMS, files=3).check()
    victim = next(file for file in files if _holds(file, b'"item 1500"'))
    wanted = rf"a worker process died while mapping .*{re.escape(victim.key)}"
    with pytest.raises(Stopped, match=wanted) as stopped:
        run(tmp_path, files, KilledAt(b'"item 1500"'), processes=2)
    assert "resume with fewer cores" in str(stopped.value)
    part = f"{files.index(victim):05d}.parquet"
    assert part not in content(tmp_path / "ledger")
    assert not list(tmp_path.rglob("*.part"))
    assert run(tmp_path, files, processes=2) == WANTED


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_ends_the_workers_and_leaves_nothing_half_written(
    tmp_path: Path, processes: int
) -> None:
    files = make_export(tmp_path / "export", 60_000, files=3).check()
    mapping = InterruptedAt(b'"item 100"', os.getpid())
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, files, mapping, processes=processes)
    assert time.monotonic() - begun < 30
    names = content(tmp_path / "ledger")
    assert not [name for name in names if name.endswith(".part")]
    assert multiprocessing.active_children() == []
    wanted = {f"{number:05d}.parquet" for number, file in enumerate(files) if file.item_count}
    assert not wanted <= set(names)


def test_workers_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """They would otherwise wait for work for ever."""
    program = f"""
import sys, pathlib
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from retable.runner.engine import local
from retable.runner.progress import NoProgress
from support.exports import make_export
from support.mappings import ByNumber
class Killed(NoProgress):
    def advance(self, done, total, unit):
        import os, psutil, signal
        if done:
            print(*(child.pid for child in psutil.Process().children()), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    folder = pathlib.Path({str(tmp_path)!r})
    files = make_export(folder / "export", 60_000, files=3).check()
    local.map_files(ByNumber(), files, folder / "l", folder / "r", processes=2, progress=Killed())
"""
    script = tmp_path / "program.py"
    script.write_text(program)
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    children = [int(pid) for pid in done.stdout.split()]
    assert len(children) >= 2, done.stderr
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(_runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_runs, children))


@pytest.mark.usefixtures("small_pools")
@pytest.mark.parametrize("processes", [1, 2])
def test_progress_moves_within_a_file_and_reaches_the_total(tmp_path: Path, processes: int) -> None:
    files = make_export(tmp_path / "export", ITEMS, files=1).check()
    recorder = Recorder()
    run(tmp_path, files, processes=processes, progress=recorder)
    done = [done for done, _, _ in recorder.told]
    assert done == sorted(done)
    assert recorder.told[-1] == (ITEMS, ITEMS, "items")
    assert len(done) >= 4


@pytest.mark.parametrize("folder", ["ledger", "rejects"])
def test_a_disk_that_takes_no_more_stops_the_run(
    tmp_path: Path, files: tuple[CheckedFile, ...], folder: str
) -> None:
    (tmp_path / folder).write_bytes(b"in the way")
    wanted = f"{re.escape(str(tmp_path / folder))} cannot be written: File exists"
    with pytest.raises(Stopped, match=wanted):
        run(tmp_path, files)


def test_a_file_that_may_not_grow_stops_the_run_and_leaves_nothing(
    tmp_path: Path, files: tuple[CheckedFile, ...]
) -> None:
    with _largest_file(2_000), pytest.raises(Stopped, match="cannot be written: File too large"):
        run(tmp_path, files)
    assert content(tmp_path) == {}


def test_memory_does_not_grow_with_the_number_of_items(tmp_path: Path) -> None:
    """Five times the items take about the same memory: a row group's rows are held, no more."""
    peaks = [_peak(tmp_path / str(count), count) for count in (60_000, 300_000)]
    assert peaks[1] < peaks[0] + 60_000_000


def _peak(folder: Path, items: int) -> int:
    """Return the peak memory, in bytes, of a process that maps so many items of one file."""
    program = f"""
import sys, pathlib, resource
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from retable.runner.engine.local import map_files
from retable.runner.export.datafile import CheckedFile
from retable.runner.progress import NoProgress
from support.mappings import ByNumber
file = CheckedFile(key="k", path=pathlib.Path(sys.argv[1]), item_count={items}, md5=sys.argv[2])
folder = pathlib.Path({str(folder)!r})
map_files(ByNumber(), (file,), folder / "l", folder / "r", processes=1, progress=NoProgress())
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
    (file,) = make_export(folder / "export", items, files=1).check()
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program, str(file.path), file.md5],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return int(done.stdout)


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _line(entry: dict[str, Any]) -> bytes:
    """Return the line that a reject was made of."""
    if "line" in entry:
        return str(entry["line"]).encode()
    return base64.b64decode(entry["line_base64"])


def _holds(file: CheckedFile, text: bytes) -> bool:
    """Return whether a data file holds ``text``."""
    return text in gzip.decompress(file.path.read_bytes())


def _runs(pid: int) -> bool:
    """Return whether a process is there and no mere zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
