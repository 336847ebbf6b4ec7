"""What the wheel will hold: a package that is missing from the list works here and nowhere else."""

import ast
import re
import sys
import tomllib
from pathlib import Path

from support.checkout import LAYERS, ROOT, module_name, python_files

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORT_NAMES = {"amazon.ion": "amazon", "pyyaml": "yaml"}
# botocore comes with boto3, by the same authors and in step with it.
BROUGHT_ALONG = {"botocore"}
SANDBOX_ONLY = {"cfnlint", "moto", "werkzeug", "flask"}


def test_every_folder_with_python_in_it_is_listed_as_a_package() -> None:
    on_disk = {module_name(path.parent / "__init__.py") for path in python_files(*LAYERS)}
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(on_disk)


def test_every_package_has_an_init_file() -> None:
    folders = {path.parent for path in python_files(*LAYERS)}
    without = [str(f.relative_to(ROOT)) for f in folders if not (f / "__init__.py").is_file()]
    assert without == []


def test_the_umbrella_stays_a_namespace() -> None:
    assert not (ROOT / ".typing/retable/__init__.py").exists()
    assert not (ROOT / "retable").exists()


def test_the_root_folders_are_mapped_under_the_umbrella() -> None:
    mapped = PROJECT["tool"]["setuptools"]["package-dir"]
    assert mapped == {f"retable.{folder}": folder for folder in LAYERS}


def test_the_type_checkers_links_lead_to_the_root_folders() -> None:
    links = {path.name: path.resolve() for path in (ROOT / ".typing/retable").iterdir()}
    assert links == {folder: ROOT / folder for folder in LAYERS}


def test_every_layer_says_that_it_is_typed() -> None:
    assert all((ROOT / folder / "py.typed").is_file() for folder in LAYERS)


def test_every_data_file_beside_the_code_is_shipped() -> None:
    patterns = PROJECT["tool"]["setuptools"]["package-data"]
    shipped = {
        path
        for folder in LAYERS
        for pattern in (*patterns["*"], *patterns.get(f"retable.{folder}", ()))
        for path in (ROOT / folder).rglob(pattern.removeprefix("**/"))
    }
    present = {path for folder in LAYERS for path in (ROOT / folder).rglob("*") if _is_data(path)}
    assert sorted(present - shipped) == []


def test_what_the_code_imports_is_what_the_project_declares() -> None:
    declared = {_import_name(text) for text in PROJECT["project"]["dependencies"]}
    imported = {name for path in python_files(*LAYERS) for name in _third_party(path)}
    assert imported - declared - BROUGHT_ALONG - SANDBOX_ONLY == set()


def test_the_sandboxs_libraries_are_imported_by_the_sandbox_alone() -> None:
    users = {
        module_name(path) for path in python_files(*LAYERS) if SANDBOX_ONLY & _third_party(path)
    }
    assert {name for name in users if not name.startswith("retable.runner.sandbox")} == set()


def _is_data(path: Path) -> bool:
    return path.is_file() and path.suffix not in {".py", ".pyc"}


def _import_name(requirement: str) -> str:
    name = re.split(r"[<>=\[; ]", requirement)[0]
    return IMPORT_NAMES.get(name, name)


def _third_party(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"retable", "_pytest"}
