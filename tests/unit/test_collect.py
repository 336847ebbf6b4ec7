"""Which files are specs, given files and folders."""

import os
from pathlib import Path

import pytest

from retable.runner.failure import Refused
from retable.runner.spec.collect import find_specs, spec_files


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "specs/b.migrate.yaml",
        "specs/a.migrate.yaml",
        "specs/deep/er/c.migrate.yaml",
        "specs/other.yaml",
        "specs/migrate.yaml",
        "specs/.hidden/d.migrate.yaml",
        "specs/node_modules/e.migrate.yaml",
        "specs/.venv/f.migrate.yaml",
        "specs/g.migrate.yaml/inside.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return tmp_path


def names(paths: list[Path], root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def test_a_folder_gives_the_specs_below_it_sorted(tree: Path) -> None:
    assert names(find_specs([tree]), tree) == [
        "specs/a.migrate.yaml",
        "specs/b.migrate.yaml",
        "specs/deep/er/c.migrate.yaml",
    ]


def test_a_file_is_taken_whatever_its_name_is(tree: Path) -> None:
    assert names(find_specs([tree / "specs/other.yaml"]), tree) == ["specs/other.yaml"]


def test_a_hidden_folder_is_searched_when_it_is_named(tree: Path) -> None:
    found = find_specs([tree / "specs/.hidden"])
    assert names(found, tree) == ["specs/.hidden/d.migrate.yaml"]


def test_a_file_named_twice_is_one_spec(tree: Path) -> None:
    spec = tree / "specs/a.migrate.yaml"
    link = tree / "link.migrate.yaml"
    link.symlink_to(spec)
    assert find_specs([spec, tree / "specs/../specs/a.migrate.yaml", link]) == [spec]


def test_a_loop_of_links_ends(tree: Path) -> None:
    (tree / "specs/loop").symlink_to(tree / "specs", target_is_directory=True)
    assert len(find_specs([tree])) == 3


def test_the_order_of_the_paths_does_not_matter(tree: Path) -> None:
    one, other = tree / "specs/deep", tree / "specs/b.migrate.yaml"
    assert find_specs([one, other]) == find_specs([other, one])


def test_a_missing_path_is_refused_by_name(tree: Path) -> None:
    with pytest.raises(Refused, match=r"there is no file or folder .*nowhere"):
        find_specs([tree / "specs", tree / "nowhere"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_cannot_be_read_is_refused(tree: Path) -> None:
    (tree / "specs/deep").chmod(0)
    with pytest.raises(Refused, match="cannot be read: Permission denied"):
        find_specs([tree])


def test_without_paths_the_folder_specs_is_meant(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "top.migrate.yaml").write_text("")
    monkeypatch.chdir(tree)
    assert str(spec_files([])[0]) == "specs/a.migrate.yaml"
    assert Path("top.migrate.yaml") not in spec_files([])


def test_without_a_folder_specs_this_folder_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "top.migrate.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert spec_files([]) == [Path("top.migrate.yaml")]


def test_a_folder_without_specs_is_refused_and_not_green(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="there is no spec in") as refused:
        spec_files([tmp_path])
    assert refused.value.hint == "specs are named *.migrate.yaml; a file of any name can be passed"
