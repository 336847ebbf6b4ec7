"""The throughput: progress over time, thinned out, and marked where it was throttled."""

from retable.runner.progress import NoProgress
from retable.runner.runs.throughput import MOST_MOMENTS, THROTTLED, Recorder
from support.sandboxes import ManualClock as Clock


class Told(NoProgress):
    def __init__(self) -> None:
        self.calls: list[object] = []

    def advance(self, done: int, total: int | None, unit: str) -> None:
        self.calls.append((done, total, unit))

    def note(self, text: str) -> None:
        self.calls.append(text)


def test_everything_is_handed_on() -> None:
    told = Told()
    recorder = Recorder(told, Clock())
    recorder.advance(1, 2, "items")
    recorder.note("hello")
    assert told.calls == [(1, 2, "items"), "hello"]


def test_the_last_advance_is_kept_even_if_it_comes_at_once() -> None:
    clock = Clock()
    recorder = Recorder(NoProgress(), clock)
    recorder.advance(0, 10, "items")
    clock.sleep(0.01)
    recorder.advance(10, 10, "items")
    assert [items for _, items, _ in recorder.moments()] == [0, 10]


def test_a_long_load_keeps_few_moments_over_all_of_its_time() -> None:
    clock = Clock()
    recorder = Recorder(NoProgress(), clock)
    for second in range(20_000):
        clock.sleep(1)
        recorder.advance(second, 20_000, "items")
    moments = recorder.moments()
    assert MOST_MOMENTS / 2 <= len(moments) <= MOST_MOMENTS + 1
    assert moments == tuple(sorted(moments))
    assert (moments[0], moments[-1]) == ((1.0, 0, False), (20_000.0, 19_999, False))


def test_throttling_is_marked_where_it_was_and_is_never_thinned_out() -> None:
    clock = Clock()
    recorder = Recorder(NoProgress(), clock)
    for second in range(5_000):
        clock.sleep(1)
        if second == 2_000:
            recorder.note(f"{THROTTLED}: ThrottlingException")
        recorder.advance(second, 5_000, "items")
    (held,) = [seconds for seconds, _, throttled in recorder.moments() if throttled]
    assert 1_990 <= held <= 2_020


def test_other_notes_mark_nothing() -> None:
    recorder = Recorder(NoProgress(), Clock())
    recorder.note("credentials were renewed")
    recorder.advance(1, 1, "items")
    assert recorder.moments() == ((0.0, 1, False),)


def test_work_that_told_nothing_has_no_moments() -> None:
    assert Recorder(NoProgress(), Clock()).moments() == ()
