"""The spool: bounded, fetched ahead, and always the object that was checked."""

from pathlib import Path

import pytest

from retable.runner.commands.carry_out import spool_bytes
from retable.runner.engine.local import map_files
from retable.runner.export.datafile import CheckedFile
from retable.runner.export.location import S3Prefix, open_export
from retable.runner.export.prove_export import check_export
from retable.runner.export.spool import DEFAULT_BYTES, Spool, held, in_turn
from retable.runner.failure import CheckFailed, Refused
from retable.runner.ledger.independent import count_export
from retable.runner.progress import NoProgress
from retable.schema.spec import KeyAttribute, KeySchema, Transform
from retable.transforms.mapping import Mapping, Recipe
from support.exports import EXPORT_ID, LocalObjects, MadeExport, make_export, packed

LOCATION = S3Prefix("acme-exports", "orders")
FILES = 6
IDENTITY = Mapping(
    Recipe(
        where=None,
        templates=Transform().templates,
        key=KeySchema(partition=KeyAttribute("id", "N")),
    )
)


@pytest.fixture
def bucket(tmp_path: Path) -> MadeExport:
    return make_export(tmp_path / "acme-exports", 120, prefix="orders", files=FILES)


@pytest.fixture
def objects(tmp_path: Path, bucket: MadeExport) -> LocalObjects:
    del bucket
    return LocalObjects(tmp_path)


def checked(spool: Spool) -> tuple[CheckedFile, ...]:
    """Return the data files, checked through ``spool``."""
    export = open_export(LOCATION, EXPORT_ID, spool.objects)
    return check_export(export, LOCATION, spool, NoProgress())


def here(spool: Spool) -> list[str]:
    """Return the names of the files that lie in the spool."""
    return sorted(path.name for path in spool.folder.rglob("*") if path.is_file())


def test_what_does_not_fit_goes_and_is_fetched_again(tmp_path: Path, objects: LocalObjects) -> None:
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    files = checked(spool)
    assert here(spool) == []
    assert len(objects.fetched) == FILES
    with held(spool, files[0]):
        assert here(spool) == [files[0].path.name]
    assert here(spool) == []
    assert len(objects.fetched) == FILES + 1


def test_what_fits_stays_and_is_fetched_once(tmp_path: Path, objects: LocalObjects) -> None:
    spool = Spool(tmp_path / "spool", objects)
    files = checked(spool)
    assert [file.key for file in in_turn(spool, files)] == [file.key for file in files]
    assert len(here(spool)) == len(objects.fetched) == FILES


def test_a_part_of_an_export_may_fit(tmp_path: Path, objects: LocalObjects) -> None:
    sizes = sum(path.stat().st_size for path in objects.root.rglob("data/*.gz"))
    spool = Spool(tmp_path / "spool", objects, most_bytes=sizes // 2)
    files = checked(spool)
    kept = here(spool)
    assert 0 < len(kept) < FILES
    assert sum(path.stat().st_size for path in spool.folder.rglob("*.gz")) <= sizes // 2
    objects.fetched.clear()
    for _ in in_turn(spool, files):
        pass
    assert len(objects.fetched) == FILES - len(kept)


def test_no_more_than_two_files_lie_there_beyond_the_bound(
    tmp_path: Path, objects: LocalObjects
) -> None:
    """The one that is read, and the next one, which is fetched meanwhile."""
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    for _ in in_turn(spool, checked(spool)):
        assert len(here(spool)) <= 2


def test_an_object_that_changed_since_the_check_stops_the_run(
    tmp_path: Path, objects: LocalObjects, bucket: MadeExport
) -> None:
    """It is pinned: what is fetched again is the very object that was checked."""
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    files = checked(spool)
    for path in (bucket.folder / "data").iterdir():
        path.write_bytes(packed([b"{}"]))
    with pytest.raises(CheckFailed, match="has changed"), held(spool, files[0]):
        pass


def test_a_pass_that_ends_early_gives_everything_back(
    tmp_path: Path, objects: LocalObjects
) -> None:
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    turns = in_turn(spool, checked(spool))
    next(turns)
    turns.close()  # type: ignore[attr-defined]  # it is a generator
    assert here(spool) == []


def test_two_users_of_one_file_share_it(tmp_path: Path, objects: LocalObjects) -> None:
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    file = checked(spool)[0]
    with held(spool, file):
        with held(spool, file):
            pass
        assert here(spool) == [file.path.name]
    assert here(spool) == []


@pytest.mark.parametrize("processes", [1, 2])
def test_mapping_and_counting_through_a_small_spool_see_every_line(
    tmp_path: Path, objects: LocalObjects, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retable.runner.engine.local.SMALL_EXPORT_ITEMS", 0)
    spool = Spool(tmp_path / "spool", objects, most_bytes=0)
    files = checked(spool)
    tally = map_files(
        IDENTITY,
        files,
        tmp_path / "ledger",
        tmp_path / "rejects",
        processes=processes,
        progress=NoProgress(),
        holder=spool,
    )
    assert tally.kept == 120
    assert count_export(files, holder=spool).count == 120
    assert here(spool) == []


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1500", 1500), ("500MB", 500 * 10**6), ("2 GB", 2 * 10**9), ("1T", 10**12)],
)
def test_the_spools_size_is_read_from_the_environment(text: str, size: int) -> None:
    assert spool_bytes({"RETABLE_SPOOL": text}) == size


def test_no_size_is_the_default_and_a_bad_one_is_refused() -> None:
    assert spool_bytes({}) == DEFAULT_BYTES
    for text in ("", "-1", "many", "1 mB", "1.5GB"):
        with pytest.raises(Refused, match="expected a size such as"):
            spool_bytes({"RETABLE_SPOOL": text})
