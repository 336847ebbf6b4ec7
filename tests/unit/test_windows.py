"""Windows: which exports go on top of a full one, and what is said where they do not join."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from retable.runner.export.manifest import Export, Window
from retable.runner.export.windows import following, in_order, overlaps
from retable.runner.failure import CheckFailed, Refused

NOON = datetime(2026, 9, 21, 12, 0, tzinfo=UTC)
FULL = Export(
    id="full",
    arn="arn",
    table_arn="arn:orders",
    table_id="table-1",
    export_time=NOON,
    item_count=9,
    output_format="DYNAMODB_JSON",
)


def window(start: float, end: float, name: str | None = None) -> Export:
    """Return an incremental export of so many minutes after noon."""
    began, ended = NOON + timedelta(minutes=start), NOON + timedelta(minutes=end)
    covered = Window(start=began, end=ended, view="NEW_IMAGE")
    return replace(FULL, id=name or f"{start}-{end}", export_time=ended, window=covered)


def ids(exports: tuple[Export, ...]) -> list[str]:
    return [export.id for export in exports]


def test_windows_are_put_in_the_order_of_time() -> None:
    found = [window(40, 60), window(0, 20), window(20, 40)]
    assert ids(following(FULL, found)) == ["0-20", "20-40", "40-60"]
    assert ids(in_order(FULL, found)) == ["0-20", "20-40", "40-60"]


def test_no_window_at_all_is_the_full_export_alone() -> None:
    assert following(FULL, []) == in_order(FULL, []) == ()


def test_other_exports_at_the_same_place_are_passed_over() -> None:
    others = [
        FULL,
        replace(FULL, id="newer", export_time=NOON + timedelta(hours=1)),
        window(-60, -20),
        window(-20, 0),
        replace(window(0, 20), table_id="table-0", id="an earlier table"),
        replace(window(0, 20), table_arn="arn:other", id="another table"),
    ]
    assert ids(following(FULL, [*others, window(0, 20)])) == ["0-20"]


@pytest.mark.parametrize("choose", [following, in_order])
def test_a_gap_before_the_first_window_is_refused_with_both_ends(choose: type) -> None:
    wanted = (
        "there is a gap of 300 s between export full, which ends at 2026-09-21T12:00:00.000Z, and "
        "export 5-20, which begins at 2026-09-21T12:05:00.000Z"
    )
    with pytest.raises(CheckFailed, match=wanted):
        choose(FULL, [window(5, 20)])


@pytest.mark.parametrize("choose", [following, in_order])
def test_a_gap_between_two_windows_is_refused_to_the_millisecond(choose: type) -> None:
    late = window(20 + 0.001 / 60, 40, "late")
    with pytest.raises(CheckFailed, match=r"a gap of 0\.001 s between export 0-20"):
        choose(FULL, [window(0, 20), late])


def test_a_gap_behind_windows_that_join_is_refused_too() -> None:
    """What follows it cannot be left out in silence."""
    with pytest.raises(CheckFailed, match=r"a gap of 600 s between export 20-40, .*export 50-60"):
        following(FULL, [window(0, 20), window(20, 40), window(50, 60)])


def test_a_window_that_joins_exactly_is_taken_before_one_that_overlaps() -> None:
    found = [window(-10, 30, "early"), window(0, 20), window(10, 60, "wide"), window(20, 60)]
    chain = following(FULL, found)
    assert ids(chain) == ["0-20", "20-60"]
    assert list(overlaps(FULL, chain)) == []


def test_of_two_that_join_exactly_the_one_that_reaches_farther_is_taken() -> None:
    assert ids(following(FULL, [window(0, 20), window(0, 60)])) == ["0-60"]


def test_an_overlap_is_told_with_its_length_and_what_it_may_do() -> None:
    chain = in_order(FULL, [window(-1, 20), window(15, 40)])
    told = "an item that was put in that time and deleted after it may reappear"
    assert list(overlaps(FULL, chain)) == [
        f"export -1-20 overlaps export full by 60 s: {told}",
        f"export 15-40 overlaps export -1-20 by 300 s: {told}",
    ]


def test_a_window_that_adds_nothing_is_refused_where_it_is_named() -> None:
    with pytest.raises(Refused, match=r"export -60--20 ends at .* export full covers already"):
        in_order(FULL, [window(-60, -20)])
    with pytest.raises(Refused, match=r"export 5-10 ends at .* export 0-20 covers already"):
        in_order(FULL, [window(0, 20), window(5, 10)])


def test_a_full_export_among_the_named_ones_is_refused() -> None:
    with pytest.raises(Refused, match="export full is a full export; expected an incremental one"):
        in_order(FULL, [FULL])


@pytest.mark.parametrize("field", ["table_arn", "table_id"])
def test_a_window_of_another_table_is_refused_where_it_is_named(field: str) -> None:
    """A table that was deleted and made again has the same name and another history."""
    other = replace(window(0, 20), **{field: "other"})  # type: ignore[arg-type]  # both are text
    with pytest.raises(Refused, match=r"export 0-20 is of .*other.*; the full export is of"):
        in_order(FULL, [other])
