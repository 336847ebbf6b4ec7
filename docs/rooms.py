"""The rooms of the code, read from the code: what each is for, and what it imports.

A room is a sub-package of ``runner`` or a top-level module of it, and below them all the
folders ``transforms`` and ``schema``. Their order is that of the contract in ``pyproject.toml``
which import-linter checks. ``draw_rooms`` draws them.
"""

import ast
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parents[1]
BELOW_RUNNER = ("transforms", "schema")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One room."""

    name: str
    path: str
    """Where it is in the checkout; a folder ends in a slash."""
    sentence: str
    """The first sentence of its docstring, as plain text."""
    imports: frozenset[str]
    """The names of the rooms that its modules import, from inside functions as well."""


def read_rooms() -> tuple[Room, ...]:
    """Return every room, in the order of the contract, from the top down."""
    imported = _imports()
    rooms = []
    for name in _in_order():
        folder = ROOT / name if name in BELOW_RUNNER else ROOT / "runner" / name
        source = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
        path = source.relative_to(ROOT).as_posix().removesuffix("__init__.py")
        sentence = _sentence(source)
        rooms.append(Room(name=name, path=path, sentence=sentence, imports=imported[name]))
    return tuple(rooms)


def without_detours(rooms: Sequence[Room]) -> dict[str, frozenset[str]]:
    """Return what each room imports, less what it reaches through another room anyway.

    This is the transitive reduction: a path is left wherever there was one.
    """
    direct = {room.name: room.imports for room in rooms}
    reached: dict[str, frozenset[str]] = {}
    # From the lowest up, so that what a room imports is known before the room is looked at.
    for room in reversed(rooms):
        further = [direct[name] | reached[name] for name in room.imports]
        reached[room.name] = room.imports.union(*further)
    return {
        room.name: room.imports.difference(*(reached[name] for name in room.imports))
        for room in rooms
    }


def floors(rooms: Sequence[Room], most: int) -> dict[str, int]:
    """Return each room's layer, 0 at the top: below all that import it, ``most`` rooms in each.

    A room goes as high as it can. One whose layer is full goes to the next that is not.
    """
    floor: dict[str, int] = {}
    for room in rooms:
        above = [floor[other.name] for other in rooms if room.name in other.imports]
        level = 1 + max(above, default=-1)
        while sum(1 for taken in floor.values() if taken == level) >= most:
            level += 1
        floor[room.name] = level
    return floor


def _in_order() -> tuple[str, ...]:
    """Return the names of all rooms, as the layers of the contract have them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (layers,) = (
        contract["layers"]
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract.get("containers") == ["retable.runner"]
    )
    return (*(name.strip() for layer in layers for name in layer.split("|")), *BELOW_RUNNER)


def _imports() -> Mapping[str, frozenset[str]]:
    """Return the rooms that each room imports."""
    packages = ("retable.runner", *(f"retable.{name}" for name in BELOW_RUNNER))
    graph = grimp.build_graph(*packages, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        known = found.setdefault(_room(module), set())
        known |= {_room(other) for other in graph.find_modules_directly_imported_by(module)}
    return {name: frozenset(others - {name}) for name, others in found.items()}


def _room(module: str) -> str:
    """Return the name of the room that ``module`` belongs to."""
    parts = module.split(".")[1:]
    return parts[1] if parts[0] == "runner" and len(parts) > 1 else parts[0]


def _sentence(source: Path) -> str:
    """Return the first sentence of a module's docstring, without its code quotes and full stop."""
    docstring = ast.get_docstring(ast.parse(source.read_text("utf-8"))) or ""
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return re.split(r"\.(?= |$)", paragraph)[0].replace("``", "")
