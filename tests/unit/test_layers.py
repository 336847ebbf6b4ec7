"""Who may import what: the layers, the owner of each library, and no cycles."""

import ast
from collections.abc import Iterator
from pathlib import Path

from support.checkout import LAYERS, module_name, python_files

OWNERS = {
    "yaml": "schema",
    "jsonschema": "schema",
    "jmespath": "transforms",
    "aiohappyeyeballs": "runner",
    "httptools": "runner",
    "boto3": "runner",
    "botocore": "runner",
    "cattrs": "runner",
    "click": "runner",
    "duckdb": "runner",
    "jinja2": "runner",
    "pyarrow": "runner",
    "pytest": "runner",
    "rich": "runner",
}
# orjson belongs to transforms, and runner may use it as well: both ends of the hot path are its.
FROM_TRANSFORMS_UP = {"orjson"}
# What the pure layers must be handed instead: clock, chance, network, processes.
IMPURE = {"time", "random", "secrets", "socket", "subprocess", "threading", "urllib", "http"}


def test_a_layer_imports_only_those_below_it() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if imported.startswith("retable.") and _layer(imported) > _layer(module)
    ]
    assert wrong == []


def test_each_library_is_imported_only_by_its_owner() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if (owner := OWNERS.get(imported.partition(".")[0])) and _folder(module) != owner
    ]
    assert wrong == []


def test_schema_does_not_import_what_belongs_to_the_layers_above() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if imported.partition(".")[0] in FROM_TRANSFORMS_UP and _folder(module) == "schema"
    ]
    assert wrong == []


def test_the_pure_layers_read_no_clock_and_no_chance_and_start_nothing() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if _folder(module) != "runner" and imported.partition(".")[0] in IMPURE
    ]
    assert wrong == []


def test_every_import_is_absolute_and_by_its_full_name() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imported in _imports()
        if imported.startswith(".") or imported.partition(".")[0] in LAYERS
    ]
    assert wrong == []


def test_no_module_imports_itself_by_a_detour() -> None:
    modules = {module_name(path) for path in python_files(*LAYERS)}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for module, imported in _imports():
        if target := _nearest(imported, modules):
            graph[module].add(target)
    assert _cycle(graph) == []


def test_a_cycle_is_found() -> None:
    assert _cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}}) == ["a", "b", "c", "a"]
    assert _cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def _imports() -> Iterator[tuple[str, str]]:
    """Yield (module, what it imports), lazy imports inside functions included."""
    for path in python_files(*LAYERS):
        for imported in _imported_by(path):
            yield module_name(path), imported


def _imported_by(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = "." * node.level + (node.module or "")
            # `from package import module` imports the module, `from module import name` the module.
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _folder(module: str) -> str:
    return module.split(".")[1]


def _layer(module: str) -> int:
    return LAYERS.index(_folder(module))


def _nearest(imported: str, modules: set[str]) -> str | None:
    """Return the module that ``imported`` names or lies in, if it is one of ours."""
    while imported and imported not in modules:
        imported = imported.rpartition(".")[0]
    return imported or None


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle, the first again at the end; empty where there is none."""
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in done:
            return []
        for target in sorted(graph[module] - {module}):
            if found := walk(target, [*path, module]):
                return found
        done.add(module)
        return []

    return next((found for start in sorted(graph) if (found := walk(start, []))), [])
