"""Draws the rooms of the code as ``explanation/rooms.svg``: ``python docs/draw_rooms.py``.

Each layer is a row and every arrow points down. Arrows that lead to one room across several layers
share a trunk, which has that room's colour; the places of rooms and trunks in their layers are
found by sweeps that leave fewer crossings. The same code always gives the same picture.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations, pairwise
from pathlib import Path
from textwrap import wrap

from rooms import BELOW_RUNNER, Room, floors, read_rooms, without_detours

PICTURE = Path(__file__).parent / "explanation" / "rooms.svg"
MOST_ROOMS = 4
"""How many rooms a layer has at most: what a page's width shows in letters that can be read."""
BOX, GAP, TRUNK = 196, 12, 12
"""Widths: of a room, of what is left free beside it, and of a trunk that passes a layer."""
HEAD, LINE, FOOT, BETWEEN, MARGIN = 28, 17, 10, 58, 10
"""Heights: of a room's name, a line of its sentence, what is below it, and between layers."""
LETTERS = 22
"""How many letters of a sentence a line in a box takes."""
PORT, POINT = 16, 7
"""How far apart arrows meet a room, and how long their heads are."""
SWEEPS = 24
"""Number of passes; more do not improve the layout."""
# Boxes bring their own background, and the arrows' colours show on white and on black.
COLOURS = ("#4f7fd6", "#c2703d", "#3f9a6b", "#b5568f", "#8a7f35", "#7a68c9", "#3b93a8", "#c25555")
STYLE = """
text { font-family: system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2937 }
.name { font-size: 16px; font-weight: 600 }
.sentence { font-size: 13.5px; fill: #475569 }
.room { fill: #f8fafc; stroke-width: 2 }
.below { fill: #fdf6e3 }
.arrow { fill: none; stroke-width: 1.6 }
"""


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """A room in its layer, or the trunk to a room in a layer that it passes."""

    floor: int
    room: str
    is_trunk: bool = False

    @property
    def width(self) -> int:
        """Return how much of the layer's width it takes."""
        return TRUNK if self.is_trunk else BOX


Arrow = tuple[Node, Node]
"""From a node to one in the next layer down."""
Rows = list[list[Node]]
Places = dict[Node, float]
Span = tuple[int, int]
"""A top and a bottom."""


def draw(rooms: Sequence[Room]) -> str:
    """Return the picture of ``rooms``, which are in their order from the top down, as SVG."""
    on = floors(rooms, MOST_ROOMS)
    arrows = _arrows(without_detours(rooms), on)
    rows = _ordered(_rows(rooms, on, arrows), arrows)
    places = _placed(rows, arrows)
    return _svg(rooms, rows, arrows, places)


def _arrows(imports: Mapping[str, frozenset[str]], on: Mapping[str, int]) -> list[Arrow]:
    """Return the arrows from layer to layer, those that share a trunk once."""
    found = set[Arrow]()
    for name, others in imports.items():
        for other in others:
            passed = [Node(floor, other, is_trunk=True) for floor in range(on[name] + 1, on[other])]
            found.update(pairwise([Node(on[name], name), *passed, Node(on[other], other)]))
    return sorted(found)


def _rows(rooms: Sequence[Room], on: Mapping[str, int], arrows: Sequence[Arrow]) -> Rows:
    """Return the nodes of each layer, rooms in their own order first."""
    rows: Rows = [[] for _ in range(1 + max(on.values()))]
    for room in rooms:
        rows[on[room.name]].append(Node(on[room.name], room.name))
    for trunk in sorted({lower for _, lower in arrows if lower.is_trunk}):
        rows[trunk.floor].append(trunk)
    return rows


def _ordered(rows: Rows, arrows: Sequence[Arrow]) -> Rows:
    """Return the layers in the order with the fewest crossings that sweeps up and down find."""
    best, fewest = rows, _crossings(rows, arrows)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        rows = _swept(rows, arrows, downwards=downwards)
        crossings = _crossings(rows, arrows)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _swept(rows: Rows, arrows: Sequence[Arrow], *, downwards: bool) -> Rows:
    """Return the layers, each ordered by where its nodes' neighbours on the one before it are."""
    swept = [list(row) for row in rows]
    order = range(1, len(swept)) if downwards else range(len(swept) - 2, -1, -1)
    for floor in order:
        before = swept[floor - 1 if downwards else floor + 1]
        share = {node: (place + 0.5) / len(before) for place, node in enumerate(before)}
        own = {node: (place + 0.5) / len(swept[floor]) for place, node in enumerate(swept[floor])}
        near = _neighbours(arrows, share)
        swept[floor].sort(
            key=lambda node: _mean([share[one] for one in near.get(node, ())], own[node])
        )
    return swept


def _neighbours(arrows: Sequence[Arrow], among: Mapping[Node, float]) -> dict[Node, list[Node]]:
    """Return the neighbours ``among`` some nodes that each node has."""
    near: dict[Node, list[Node]] = {}
    for upper, lower in arrows:
        if upper in among:
            near.setdefault(lower, []).append(upper)
        if lower in among:
            near.setdefault(upper, []).append(lower)
    return near


def _crossings(rows: Rows, arrows: Sequence[Arrow]) -> int:
    """Return how many pairs of arrows cross."""
    place = {node: number for row in rows for number, node in enumerate(row)}
    return sum(
        1
        for (a, b), (c, d) in combinations(arrows, 2)
        if a.floor == c.floor and (place[a] - place[c]) * (place[b] - place[d]) < 0
    )


def _placed(rows: Rows, arrows: Sequence[Arrow]) -> Places:
    """Return where in its layer the middle of each node is, near its neighbours above and below."""
    places: Places = {}
    room = max(map(_width, rows))
    for row in rows:
        places.update(_spread(row, [0.0] * len(row), room))
    for sweep in range(SWEEPS):
        for row in rows if sweep % 2 == 0 else reversed(rows):
            near = _neighbours(arrows, places)
            wanted = [
                _mean([places[one] for one in near.get(node, ())], places[node]) for node in row
            ]
            places.update(_spread(row, wanted, room))
    left = min(place - node.width / 2 for node, place in places.items())
    return {node: place - left + MARGIN for node, place in places.items()}


def _spread(row: Sequence[Node], wanted: Sequence[float], room: float) -> Places:
    """Return the places closest to those ``wanted`` that keep order, distances and ``room``.

    Nodes that come too close are moved together, as one block around the mean of their wishes.
    """
    offsets = [0.0]
    for node, following in pairwise(row):
        offsets.append(offsets[-1] + (node.width + following.width) / 2 + GAP)
    blocks: list[list[float]] = []
    for wish, offset in zip(wanted, offsets, strict=True):
        blocks.append([wish - offset])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            blocks[-2:] = [blocks[-2] + blocks[-1]]
    least = (row[0].width - room) / 2
    most = (room - row[-1].width) / 2 - offsets[-1]
    starts = [min(max(_mean(block), least), most) for block in blocks for _ in block]
    return {node: start + offset for node, start, offset in zip(row, starts, offsets, strict=True)}


def _width(row: Sequence[Node]) -> float:
    """Return how wide a layer is at least."""
    return sum(node.width for node in row) + GAP * (len(row) - 1)


def _mean(values: Sequence[float], otherwise: float = 0.0) -> float:
    return sum(values) / len(values) if values else otherwise


def _svg(rooms: Sequence[Room], rows: Rows, arrows: Sequence[Arrow], places: Places) -> str:
    """Return the text of the picture."""
    sentences = {room.name: wrap(room.sentence, LETTERS) for room in rooms}
    spans = _heights(rows, sentences)
    colours = _colours(rooms, arrows)
    width = round(max(place + node.width / 2 for node, place in places.items())) + MARGIN
    view = f'viewBox="0 0 {width} {spans[-1][1] + MARGIN}" width="{width}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view} role="img">',
        "<title>The rooms of the code, and which imports which</title>",
        f"<style>{STYLE}</style>",
    ]
    for trunk in (node for node in places if node.is_trunk):
        top, bottom = spans[trunk.floor]
        way = f"M{places[trunk]:.1f} {top}V{bottom}"
        lines.append(f'<path class="arrow" stroke="{colours[trunk.room]}" d="{way}"/>')
    ends = _ends(arrows, places)
    for arrow, (start, end) in sorted(ends.items()):
        heights = spans[arrow[0].floor][1], spans[arrow[1].floor][0]
        lines += _curve(start, end, heights, colours[arrow[1].room], points=not arrow[1].is_trunk)
    for room in rooms:
        node = next(one for one in places if one.room == room.name and not one.is_trunk)
        box = places[node] - BOX / 2, spans[node.floor]
        lines += _box(room, box, sentences[room.name], colours[room.name])
    return "\n".join([*lines, "</svg>", ""])


def _colours(rooms: Sequence[Room], arrows: Sequence[Arrow]) -> dict[str, str]:
    """Return the colour of each room, as little as can be seen beside arrows of the same one."""
    met: dict[str, set[int]] = {room.name: set() for room in rooms}
    for upper, lower in arrows:
        met[lower.room].add(upper.floor)
    colours: dict[str, str] = {}
    for number, room in enumerate(rooms):
        beside = Counter[str]()
        for other, colour in colours.items():
            beside[colour] += len(met[room.name] & met[other])
        start = number % len(COLOURS)
        colours[room.name] = min(COLOURS[start:] + COLOURS[:start], key=beside.__getitem__)
    return colours


def _heights(rows: Rows, sentences: Mapping[str, Sequence[str]]) -> list[Span]:
    """Return where each layer begins and ends, from the top of the picture."""
    spans: list[Span] = []
    y = MARGIN
    for row in rows:
        most = max(len(sentences[node.room]) for node in row if not node.is_trunk)
        spans.append((y, y + HEAD + LINE * most + FOOT))
        y = spans[-1][1] + BETWEEN
    return spans


def _ends(arrows: Sequence[Arrow], places: Places) -> dict[Arrow, tuple[float, float]]:
    """Return where each arrow leaves its upper node and meets its lower one: side by side."""
    starts, ends = dict[Arrow, float](), dict[Arrow, float]()
    for node in places:
        leaving = sorted(
            (arrow for arrow in arrows if arrow[0] == node), key=lambda a: places[a[1]]
        )
        meeting = sorted(
            (arrow for arrow in arrows if arrow[1] == node), key=lambda a: places[a[0]]
        )
        for side, found in ((starts, leaving), (ends, meeting)):
            step = 0 if node.is_trunk else min(PORT, BOX / (len(found) + 1))
            first = places[node] - step * (len(found) - 1) / 2
            side.update({arrow: first + step * number for number, arrow in enumerate(found)})
    return {arrow: (starts[arrow], ends[arrow]) for arrow in arrows}


def _curve(start: float, end: float, heights: Span, colour: str, *, points: bool) -> Iterator[str]:
    """Yield the line between two layers, with a head where it comes to a room."""
    top, bottom = heights
    foot = bottom - POINT if points else bottom
    middle = (top + foot) / 2
    way = f"M{start:.1f} {top}C{start:.1f} {middle} {end:.1f} {middle} {end:.1f} {foot}"
    yield f'<path class="arrow" stroke="{colour}" d="{way}"/>'
    if points:
        head = f"M{end - 4:.1f} {foot}h8L{end:.1f} {bottom}z"
        yield f'<path fill="{colour}" d="{head}"/>'


def _box(
    room: Room, place: tuple[float, Span], sentence: Sequence[str], colour: str
) -> Iterator[str]:
    """Yield the box of a room: its name, and below it what it is for."""
    left, (top, bottom) = place
    kind = "room below" if room.name in BELOW_RUNNER else "room"
    yield (
        f'<rect class="{kind}" stroke="{colour}" x="{left:.1f}" y="{top}" '
        f'width="{BOX}" height="{bottom - top}" rx="6"/>'
    )
    name = room.path.removeprefix("runner/")
    yield f'<text class="name" x="{left + 10:.1f}" y="{top + 21}">{escape(name)}</text>'
    for number, line in enumerate(sentence, 1):
        y = top + 22 + LINE * number
        yield f'<text class="sentence" x="{left + 10:.1f}" y="{y}">{escape(line)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(draw(read_rooms()), "utf-8")
