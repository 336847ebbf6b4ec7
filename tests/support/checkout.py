"""The checkout this suite runs in: its folders, its Python files, its own text files."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("schema", "transforms", "runner")
"""The root folders that become ``retable.<name>``, lowest first."""

FOLDERS = (*LAYERS, "specs", "tests", "docs", "benchmarks", ".ci", ".github")
FILES = (
    "pyproject.toml",
    "MANIFEST.in",
    ".gitignore",
    ".pre-commit-config.yaml",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
)
SKIPPED = {"__pycache__", "node_modules", ".migrate", ".hypothesis"}


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below the named root folders, sorted."""
    return sorted(path for folder in folders for path in _below(ROOT / folder, ".py"))


def text_files() -> Iterator[tuple[Path, str]]:
    """Yield every text file that belongs to the project, with what it says."""
    paths = [ROOT / name for name in FILES]
    paths += [path for folder in FOLDERS for path in _below(ROOT / folder, "")]
    for path in sorted(paths):
        try:
            yield path, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # gzip fixtures and the like


def module_name(path: Path) -> str:
    """Return the import name of a Python file in one of the layers."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("retable", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _below(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files below ``folder`` that end in ``suffix``, caches aside."""
    for path in folder.rglob(f"*{suffix}"):
        if path.is_file() and not SKIPPED.intersection(path.relative_to(ROOT).parts):
            yield path
