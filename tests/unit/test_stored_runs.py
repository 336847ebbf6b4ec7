"""A run folder in S3: what the journal names is fetched, byte for byte, and nothing else counts."""

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retable.runner.aws.state_address import Address, parse_address
from retable.runner.failure import CheckFailed, Refused
from retable.runner.runs.folder import RunFolder
from retable.runner.runs.journal import RUN, Journal, open_journal, read_journal
from retable.runner.runs.mirror import Mirror, is_needed
from retable.runner.runs.stored_runs import StoredRuns
from support.sandboxes import ManualClock
from support.states import BUCKET, RUN_ID, MapBucket, StateBed, run_folder, state_bed


@pytest.fixture(scope="module")
def bed() -> Iterator[StateBed]:
    with state_bed() as bed:
        yield bed


class Shelf:
    """A shelf without a lock."""

    def __init__(self, runs: StoredRuns, folder: RunFolder, token: int) -> None:
        self.token = token
        self._runs = runs
        self._mirror = Mirror(runs, folder, token)

    def settle(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        yield from self._mirror.settle()

    def put(self, number: int, line: bytes) -> None:
        assert self._runs.put_record(RUN_ID, number, line)


def begin(runs: StoredRuns, folder: RunFolder, token: int = 1) -> Journal:
    """Publish a run and open its journal."""
    runs.publish(RUN_ID, "plan.json", folder.plan.read_bytes())
    return open_journal(folder.journal, "print", ManualClock(), Shelf(runs, folder, token))


def content(folder: RunFolder) -> dict[str, bytes]:
    """Return the files of a run folder that the next machine needs."""
    found = ((path.relative_to(folder.path), path) for path in folder.path.rglob("*"))
    return {
        str(inside): path.read_bytes()
        for inside, path in found
        if path.is_file() and is_needed(PurePosixPath(inside.as_posix()))
    }


def test_what_lies_in_the_folder_when_a_record_is_written_is_there_on_another_machine(
    bed: StateBed, tmp_path: Path
) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, here) as journal:
        here.expected("final").mkdir()
        (here.expected("final") / "00000.parquet").write_bytes(b"\x00" * 100_000)
        (here.quarantine / "expected").mkdir()
        (here.quarantine / "expected" / "00000.jsonl").write_bytes(b"{}\n")
        journal.record("dry-run", "done")
        (here.path / "cdk" / "absent").mkdir(parents=True)
        (here.path / "cdk" / "absent" / "manifest.json").write_bytes(b"{}")
        (here.expected("final") / "00000.parquet").write_bytes(b"another")
        journal.record("synthesize", "done")
    there = RunFolder(tmp_path / "b" / RUN_ID)
    runs.fetch(there)
    assert content(there) == content(here)
    assert len(content(there)) == 3
    assert there.plan.read_bytes() == here.plan.read_bytes()
    assert read_journal(there.journal) == read_journal(here.journal)


def test_a_quarantine_that_grows_is_stored_once(bed: StateBed, tmp_path: Path) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    path = here.quarantine / "load.jsonl"
    with begin(runs, here) as journal:
        for number in range(5):
            with path.open("ab") as file:
                file.write(b"%d" % number * 1000 + b"\n")
            journal.record("load", "file-mark")
        parts = [record.data["parts"] for record in journal.records(RUN, "kept")]
    assert [(part["offset"], part["size"]) for (part,) in parts] == [
        (number * 1001, 1001) for number in range(5)
    ]
    there = RunFolder(tmp_path / "b" / RUN_ID)
    runs.fetch(there)
    assert content(there) == content(here)


def test_a_quarantine_that_was_written_anew_replaces_the_old_one(
    bed: StateBed, tmp_path: Path
) -> None:
    """A load that is resumed drops what it will refuse again."""
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    path = here.quarantine / "load.jsonl"
    with begin(runs, here) as journal:
        path.write_bytes(b"one\ntwo\n")
        journal.record("load", "file-mark")
        path.with_suffix(".part").write_bytes(b"one\nthree\nfour\n")
        path.with_suffix(".part").replace(path)
        journal.record("load", "file-mark")
    there = RunFolder(tmp_path / "b" / RUN_ID)
    runs.fetch(there)
    assert content(there) == {"quarantine/load.jsonl": b"one\nthree\nfour\n"}


def test_files_that_went_do_not_come_back_and_neither_does_what_lay_there(
    bed: StateBed, tmp_path: Path
) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, here) as journal:
        here.merge.mkdir()
        (here.merge / "notes").write_bytes(b"x")
        journal.record("merge", "begun")
        (here.merge / "notes").unlink()
        journal.record("merge", "done")
    there = run_folder(tmp_path / "b")
    (there.quarantine / "load.jsonl").write_bytes(b"from before another machine went on\n")
    there.spool.mkdir()
    (there.spool / "data").write_bytes(b"proves itself")
    runs.fetch(there)
    assert content(there) == {}
    assert (there.spool / "data").is_file()


def test_what_a_runner_stores_that_has_lost_the_run_replaces_nothing(
    bed: StateBed, tmp_path: Path
) -> None:
    runs, first = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, first, token=1) as journal:
        first.merge.mkdir()
        (first.merge / "list").write_bytes(b"first")
        journal.record("merge", "done")
        second = RunFolder(tmp_path / "b" / RUN_ID)
        runs.fetch(second)
        (first.merge / "list").write_bytes(b"late")
        late = Mirror(runs, first, 1)
        (first.merge / "list").write_bytes(b"later")
        assert list(late.settle())
    with begin(runs, second, token=2) as journal:
        (second.merge / "list").write_bytes(b"second")
        journal.record("merge", "done")
    third = RunFolder(tmp_path / "c" / RUN_ID)
    runs.fetch(third)
    assert content(third) == {"merge/list": b"second"}
    assert {record.token for record in read_journal(third.journal)} == {1, 2}


def test_an_object_that_was_altered_is_found_out(bed: StateBed, tmp_path: Path) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, here) as journal:
        here.merge.mkdir()
        (here.merge / "list").write_bytes(b"right")
        journal.record("merge", "done")
        (part,) = journal.records(RUN, "kept")[0].data["parts"]
    bed.objects.put(BUCKET, part["key"], b"wrong")
    with pytest.raises(CheckFailed, match="is not what was stored"):
        runs.fetch(RunFolder(tmp_path / "b" / RUN_ID))
    bed.client.delete_object(Bucket=BUCKET, Key=part["key"])
    with pytest.raises(CheckFailed, match="does not exist") as caught:
        runs.fetch(RunFolder(tmp_path / "c" / RUN_ID))
    assert "state in S3 was altered" in str(caught.value.hint)


@pytest.mark.parametrize("damage", ["gone", "torn", "another's"])
def test_a_journal_with_a_record_gone_or_altered_is_not_gone_on_with(
    bed: StateBed, tmp_path: Path, damage: str
) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, here) as journal:
        for number in range(3):
            journal.record("load", "begun", {"number": number})
    key = runs.address.key("runs", RUN_ID, "journal", "00000003.json")
    line = bed.objects.read(BUCKET, key)
    if damage == "gone":
        bed.client.delete_object(Bucket=BUCKET, Key=key)
    elif damage == "torn":
        bed.objects.put(BUCKET, key, line[:-9])
    else:
        bed.objects.put(BUCKET, key, bed.objects.read(BUCKET, key.replace("03.", "02.")))
    with pytest.raises(CheckFailed, match="damaged at s3://"):
        runs.fetch(RunFolder(tmp_path / "b" / RUN_ID))


@pytest.mark.parametrize("path", ["../plan.json", "/etc/passwd", "merge/../../x", ""])
def test_no_file_leads_out_of_the_run_folder(bed: StateBed, tmp_path: Path, path: str) -> None:
    runs, here = bed.runs(), run_folder(tmp_path / "a")
    with begin(runs, here) as journal:
        part = {"path": path, "key": "k", "offset": 0, "size": 1, "sha256": "0"}
        journal.record(RUN, "kept", {"parts": [part]})
    with pytest.raises(CheckFailed, match="is not in the run folder"):
        runs.fetch(RunFolder(tmp_path / "b" / RUN_ID))


def test_a_run_that_is_not_there_is_refused(bed: StateBed, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no run 7f3a-c21e in s3://acme-runs/"):
        bed.runs().fetch(RunFolder(tmp_path / RUN_ID))


@pytest.mark.parametrize(
    "path",
    [
        "plan.json",
        "journal.jsonl",
        "report.json",
        "explore.duckdb",
        "spool/data.gz",
        "ledger/rehearsal/00000.parquet",
        "ledger/actual/00000.parquet",
        "ledger/source/00000.json.gz",
        "ledger/expected/00000.parquet.part",
        "ledger/expected/.spill/duckdb_temp_block-0.block",
    ],
)
def test_what_the_next_machine_makes_by_itself_is_not_stored(path: str) -> None:
    assert not is_needed(PurePosixPath(path))


def test_an_address_says_all_that_is_needed_to_find_it_again() -> None:
    text = "s3://acme-runs/prod/orders?owner=123456789012&kms-key=alias/runs"
    address = parse_address(text)
    assert address == Address(
        bucket="acme-runs", prefix="prod/orders", owner="123456789012", kms_key="alias/runs"
    )
    assert parse_address(str(address)) == address
    assert parse_address("s3://acme-runs").key("locks") == "locks"


@pytest.mark.parametrize(
    "text",
    [
        "acme-runs/prod",
        "file:///tmp",
        "s3://",
        "s3:///prefix",
        "s3://b/p#f",
        "s3://b/p?ownr=123456789012",
        "s3://b/p?owner=12",
        "s3://b/p?kms-key=",
    ],
)
def test_what_names_no_place_in_s3_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="--state"):
        parse_address(text)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["quarantine/load.jsonl", "merge/list", "ledger/expected/0.parquet"]),
            st.sampled_from(["append", "replace", "remove"]),
            st.binary(max_size=20),
        ),
        max_size=12,
    )
)
def test_law_however_files_change_between_records_another_machine_has_the_same(
    changes: list[tuple[str, str, bytes]],
) -> None:
    """No S3 is needed for the law itself; the store is a map."""
    with tempfile.TemporaryDirectory() as name:
        here = run_folder(Path(name) / "a")
        runs = StoredRuns(Address(bucket="b", prefix="p"), MapBucket())
        with begin(runs, here) as journal:
            for place, change, body in changes:
                alter(here.path / place, change, body)
                journal.record("step", "done")
        there = RunFolder(Path(name) / "b" / RUN_ID)
        runs.fetch(there)
        assert content(there) == content(here)


def alter(path: Path, change: str, body: bytes) -> None:
    """Change a file as a step does: growing in place, or replaced by another one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if change == "append":
        with path.open("ab") as file:
            file.write(body)
    elif change == "replace":
        part = path.with_name(path.name + ".part")
        part.write_bytes(body)
        part.replace(path)
    else:
        path.unlink(missing_ok=True)
