"""The page of the architecture says what the code is. ``UPDATE_CASES=1`` draws it again."""

import os
import re

import pytest
from draw_rooms import MOST_ROOMS, PICTURE, draw
from rooms import BELOW_RUNNER, floors, read_rooms, without_detours

from support.checkout import ROOT

PAGE = ROOT / "docs" / "explanation" / "architecture.md"
TEXT = PAGE.read_text("utf-8")
ROOMS = read_rooms()
FOLDERS = "runner|transforms|schema|tests|docs|specs|benchmarks"
ROW = re.compile(r"^\| \d+ \|.*\| (?P<names>`.*) \| (?P<files>.*) \|$", re.MULTILINE)


def test_the_picture_is_what_the_imports_give() -> None:
    if os.environ.get("UPDATE_CASES"):
        PICTURE.write_text(draw(ROOMS), "utf-8")
    assert PICTURE.read_text("utf-8") == draw(ROOMS)


def test_the_picture_has_every_room() -> None:
    runner = ROOT / "runner"
    there = {path.parent.name for path in runner.glob("*/__init__.py")}
    there |= {path.stem for path in runner.glob("*.py")} - {"__init__"}
    assert {room.name for room in ROOMS} == there | set(BELOW_RUNNER)
    assert [room.name for room in ROOMS if not room.sentence] == []


def test_every_arrow_points_down_and_no_floor_is_wider_than_the_page() -> None:
    floor = floors(ROOMS, MOST_ROOMS)
    for room in ROOMS:
        assert all(floor[room.name] < floor[other] for other in room.imports)
    widths = [list(floor.values()).count(level) for level in range(max(floor.values()) + 1)]
    assert max(widths) <= MOST_ROOMS
    assert min(widths) > 0


def test_without_detours_every_room_reaches_what_it_reached() -> None:
    direct = {room.name: room.imports for room in ROOMS}
    fewer = without_detours(ROOMS)
    assert sum(map(len, fewer.values())) < sum(map(len, direct.values()))
    for name in direct:
        assert _reached(name, fewer) == _reached(name, direct)
    # The page's example.
    assert "plan" in direct["planning"] - fewer["planning"]
    assert "plan" in direct["cdk"]


def test_every_link_of_the_page_leads_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", TEXT)
    assert [target for target in targets if not (PAGE.parent / target).exists()] == []
    assert len(targets) > len(ROOMS)


def test_a_link_says_the_file_that_it_leads_to() -> None:
    for shown, target in re.findall(r"\[`([\w./-]+)`\]\(([^)]+)\)", TEXT):
        assert (PAGE.parent / target).resolve().as_posix().endswith(f"/{shown}"), target


def test_every_file_and_folder_that_the_page_names_exists() -> None:
    named = re.findall(rf"\b(?:{FOLDERS})/[\w./-]*\w/?", TEXT)
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("row", list(ROW.finditer(TEXT)), ids=lambda row: row["names"])
def test_every_function_of_the_tables_is_defined_in_a_file_of_its_row(row: re.Match[str]) -> None:
    files = re.findall(r"`([\w/]+\.py)`", row["files"])
    code = "\n".join((ROOT / file).read_text("utf-8") for file in files)
    for name in re.findall(r"`([\w.]+)`", row["names"]):
        for part in name.split("."):
            assert re.search(rf"\b(?:def|class) {part}\b|self\.{part}: ", code), name


def _reached(name: str, imports: dict[str, frozenset[str]]) -> set[str]:
    """Return every room that ``name`` imports, at whatever distance."""
    found, waiting = set[str](), list(imports[name])
    while waiting:
        room = waiting.pop()
        if room not in found:
            found.add(room)
            waiting += imports[room]
    return found
