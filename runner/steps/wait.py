"""Waits for something that takes a moment to show, neither polling too often nor forever."""

from collections.abc import Iterator

from retable.runner.steps.world import World

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 10.0


def patiently(world: World, deadline_seconds: float, what: str) -> Iterator[None]:
    """Yield at growing intervals until the deadline has passed; report once what it waits for."""
    end = world.clock.monotonic() + deadline_seconds
    pause = FIRST_PAUSE_SECONDS
    said = False
    while True:
        yield
        if world.clock.monotonic() >= end:
            return
        if pause > 1 and not said:
            world.progress.note(f"waiting for {what}")
            said = True
        world.clock.sleep(pause)
        pause = min(pause * 1.6, LONGEST_PAUSE_SECONDS)
