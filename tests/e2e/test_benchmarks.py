"""The benchmarks still run. What they measure is not judged here."""

import json
import subprocess
import sys

from support.checkout import ROOT
from support.patience import PATIENCE_SECONDS

MEASURED = {
    "seconds",
    "cpu_seconds",
    "items_per_second",
    "items_per_cpu_second",
    "peak_rss_mb",
}


def test_the_end_to_end_benchmark_measures_every_phase() -> None:
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, str(ROOT / "benchmarks" / "end_to_end.py"), "--items", "500"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result.pop("items") == 500
    assert result.pop("item_bytes") > 0
    assert set(result) == {"check", "map_1_process", "map_2_processes", "verify"}
    assert all(set(measured) == MEASURED for measured in result.values())


def test_the_incremental_benchmark_measures_both_phases() -> None:
    done = subprocess.run(  # noqa: S603 -- our own program
        [
            sys.executable,
            str(ROOT / "benchmarks" / "incremental.py"),
            *("--items", "600", "--changes", "240"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["items"], result["changes"]) == (600, 240)
    merge, read = result["merge"], result["read"]
    assert merge["merged"] == read["merged"]
    assert merge["full"] + merge["changes"] == sum(
        merge[kind] for kind in ("merged", "outdated", "deletions")
    )
    assert merge["cpu_seconds"] > 0 < read["cpu_seconds"]


def test_the_reading_benchmark_reads_in_every_way() -> None:
    done = subprocess.run(  # noqa: S603 -- our own program
        [
            sys.executable,
            str(ROOT / "benchmarks" / "export_read.py"),
            *("--items", "800", "--rounds", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["items"] == 800
    for way in ("floor", "disk", "s3"):
        assert result[way]["items_per_cpu_second"] > 0
    assert result["disk_against_floor"] > 0 < result["s3_against_floor"]


def test_the_loading_benchmark_writes_in_every_way() -> None:
    done = subprocess.run(  # noqa: S603 -- our own program
        [
            sys.executable,
            str(ROOT / "benchmarks" / "load.py"),
            *("--items", "800", "--rounds", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    ways = {"batch_writer", "client", "with_mapping", "without_mapping"}
    assert set(result["items_per_cpu_second"]) == ways
    assert result["with_mapping_vs_batch_writer"] > 0 < result["without_mapping_vs_batch_writer"]


def test_the_benchmark_of_comparing_measures_both_ways() -> None:
    program = str(ROOT / "benchmarks" / "verify.py")
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, program, "--rows", "5000", "--differences", "10", "--lines", "5000"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["compare"]["differences"] == result["by_hand"]["differences"] == 10
    assert 0 < result["ledger_share"] < 1
