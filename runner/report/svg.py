"""Charts as inline SVG: bars, columns, a waterfall, a line over time, a map of squares.

They take figures and labels and know nothing about reports. Text goes through ElementTree, which
escapes it; colours are CSS classes, so that one chart works in light, dark and print. For a screen
reader, every chart is an image with its title as name and its text as description.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from markupsafe import Markup

from retable.runner.text.escape import shortened

WIDTH = 860
ROW = 26
LABEL = 290
FIGURE = 110
"""The width of a row's label and of its figure, beside the bar."""
LABEL_CELLS = 38
CHART = 180
"""The height of the charts with a vertical axis."""
AXIS = 26
SQUARE = 22
SPOKEN = 400
"""How many cells of a text a tooltip or a screen reader gets."""


Four = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length, the figure beside it, and the CSS class that colours it.

    ``start`` is where it begins, for a waterfall; in the same unit as ``value``.
    """

    label: str
    value: float
    figure: str
    kind: str = "bar"
    start: float = 0


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a line, and whether to mark the interval before it."""

    x: float
    y: float
    marked: bool = False


def bars(
    title: str, text: str, rows: Sequence[Bar], limit: tuple[float, str] | None = None
) -> Markup:
    """Return horizontal bars, one per row; ``limit`` adds a labelled vertical line."""
    most = max([row.start + row.value for row in rows] + ([limit[0]] if limit else []), default=0)
    room = WIDTH - LABEL - FIGURE
    scale = room / most if most else 0
    height = ROW * len(rows) + (AXIS if limit else 0)
    svg = _image(title, text, height)
    for place, row in enumerate(rows):
        middle = place * ROW + ROW / 2
        _text(svg, (LABEL - 10, middle), shortened(row.label, LABEL_CELLS), "label end", row.label)
        length = max(row.value * scale, 1.5 if row.value else 0)
        left = LABEL + row.start * scale
        _rect(svg, (left, place * ROW + 5, length, ROW - 10), row.kind, rounded=2)
        _text(svg, (left + length + 8, middle), row.figure, "figure")
    if limit is not None:
        x = LABEL + limit[0] * scale
        _line(svg, (x, 0, x, ROW * len(rows) + 4), "limit")
        _text(svg, (x, ROW * len(rows) + 16), limit[1], "tick middle")
    return _markup(svg)


def columns(title: str, text: str, cells: Sequence[Bar]) -> Markup:
    """Return vertical columns side by side, each with its figure above and its label below."""
    most = max((cell.value for cell in cells), default=0)
    step = WIDTH / max(len(cells), 1)
    breadth = min(step * 0.8, 64)
    svg = _image(title, text, CHART + AXIS + 18)
    for place, cell in enumerate(cells):
        middle = step * place + step / 2
        tall = max(cell.value * CHART / most if most else 0, 1.5 if cell.value else 0)
        top = 18 + CHART - tall
        _rect(svg, (middle - breadth / 2, top, breadth, tall), cell.kind, rounded=2)
        _text(svg, (middle, top - 8), cell.figure, "figure middle")
        _text(svg, (middle, CHART + 34), cell.label, "tick middle")
    _line(svg, (0, CHART + 18, WIDTH, CHART + 18), "axis")
    return _markup(svg)


def line(title: str, text: str, points: Sequence[Point], labels: tuple[str, str, str]) -> Markup:
    """Return a filled line over time. ``labels`` are those of the top, the start and the end.

    Marked intervals are shaded and have a bar at the bottom.
    """
    last = max((point.x for point in points), default=0) or 1
    most = max((point.y for point in points), default=0) or 1
    svg = _image(title, text, CHART + AXIS + 16)
    across, up = WIDTH / last, CHART / most
    before = 0.0
    for point in points:
        if point.marked:
            left, broad = before * across, max((point.x - before) * across, 2)
            _rect(svg, (left, 16, broad, CHART), "shade")
            _rect(svg, (left, CHART + 12, broad, 4), "mark")
        before = point.x
    path = [f"{point.x * across:.1f},{16 + CHART - point.y * up:.1f}" for point in points]
    if path:
        area = [f"{points[0].x * across:.1f},{CHART + 16}", *path, f"{WIDTH},{CHART + 16}"]
        ET.SubElement(svg, "polygon", {"points": " ".join(area), "class": "area"})
        ET.SubElement(svg, "polyline", {"points": " ".join(path), "class": "line"})
    _line(svg, (0, CHART + 16, WIDTH, CHART + 16), "axis")
    top, start, end = labels
    _text(svg, (0, 8), top, "tick")
    _text(svg, (0, CHART + 30), start, "tick")
    _text(svg, (WIDTH, CHART + 30), end, "tick end")
    return _markup(svg)


def squares(
    title: str, text: str, values: Sequence[float], marked: Iterable[int], across: int
) -> Markup:
    """Return a map of squares: with a value, without one, and marked ones with a cross."""
    rows = -(-len(values) // across)
    svg = _image(title, text, rows * SQUARE + 2, across * SQUARE + 2)
    crossed = set(marked)
    for place, value in enumerate(values):
        x, y = place % across * SQUARE + 1, place // across * SQUARE + 1
        kind = "differs" if place in crossed else "agrees" if value else "empty"
        _rect(svg, (x, y, SQUARE - 2, SQUARE - 2), kind, rounded=2)
        if place in crossed:
            _line(svg, (x + 4, y + 4, x + SQUARE - 6, y + SQUARE - 6), "cross")
            _line(svg, (x + SQUARE - 6, y + 4, x + 4, y + SQUARE - 6), "cross")
    return _markup(svg)


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """Return at most ``most`` of ``points``, evenly; a dropped mark moves to the next one."""
    if len(points) <= most:
        return tuple(points)
    kept: list[Point] = []
    marked = False
    for place, point in enumerate(points):
        marked = marked or point.marked
        if place * most // len(points) != (place + 1) * most // len(points):
            kept.append(Point(point.x, point.y, marked))
            marked = False
    return tuple(kept)


def _image(title: str, text: str, height: float, width: float = WIDTH) -> ET.Element:
    title, text = (shortened(words, SPOKEN) for words in (title, text))
    names = {
        "viewBox": f"0 0 {_plain(width)} {_plain(height)}",
        "role": "img",
        "aria-label": f"{title}. {text}",
        "class": "chart",
        "style": f"max-width: {_plain(width)}px",
    }
    svg = ET.Element("svg", names)
    ET.SubElement(svg, "title").text = title
    ET.SubElement(svg, "desc").text = text
    return svg


def _rect(svg: ET.Element, box: Four, kind: str, rounded: int = 0) -> None:
    """Draw a rectangle: left, top, width, height."""
    places = zip(("x", "y", "width", "height"), box, strict=True)
    names = {name: _plain(value) for name, value in places}
    ET.SubElement(svg, "rect", {**names, "rx": str(rounded), "class": kind})


def _line(svg: ET.Element, ends: Four, kind: str) -> None:
    """Draw a line from one end to the other: left, top, left, top."""
    places = zip(("x1", "y1", "x2", "y2"), ends, strict=True)
    ET.SubElement(svg, "line", {**{name: _plain(value) for name, value in places}, "class": kind})


def _text(svg: ET.Element, at: tuple[float, float], text: str, kind: str, whole: str = "") -> None:
    """Write ``text``; ``whole`` is the uncut text."""
    x, y = map(_plain, at)
    element = ET.SubElement(
        svg, "text", {"x": x, "y": y, "class": kind, "dominant-baseline": "central"}
    )
    element.text = text
    if whole and whole != text:
        ET.SubElement(element, "title").text = shortened(whole, SPOKEN)


def _plain(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return re.sub(r"\.0$", "", f"{value:.1f}")


def _markup(svg: ET.Element) -> Markup:
    """Return the image as markup, which ElementTree has escaped."""
    return Markup(ET.tostring(svg, encoding="unicode"))  # noqa: S704 -- escaped by ElementTree
