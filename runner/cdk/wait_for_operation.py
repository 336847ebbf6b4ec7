"""Follows CloudFormation's operation on a stack.

Each event is reported once, and the failures are kept.
"""

from retable.runner.cdk.stacks import StackEvent, Stacks, StackState, cause, under_way
from retable.runner.cdk.states import readiness
from retable.runner.cdk.template import STACK
from retable.runner.clock import Clock
from retable.runner.failure import Stopped
from retable.runner.progress import Progress

POLL_SECONDS = 5.0
"""How often the events are polled; CloudFormation allows a few calls per second and account."""
MAX_NESTING = 10
SETTLE_SECONDS = 4 * 3_600.0


class Follower:
    """Follows one stack's events from now on."""

    def __init__(self, stacks: Stacks, name: str, clock: Clock, progress: Progress) -> None:
        """Skip the events up to now."""
        self._stacks = stacks
        self._name = name
        self._clock = clock
        self._progress = progress
        self._stack_id: str | None = None
        self._last: str | None = None
        self._looked_at = clock.monotonic()
        self._seen: list[StackEvent] = []
        state = stacks.state(name)
        if state is not None:
            self._stack_id = state.id
            self._last = stacks.last_event(state.id)

    def tick(self) -> None:
        """Report new events, if the next poll is due. It never fails: it only observes."""
        if self._clock.monotonic() - self._looked_at < POLL_SECONDS:
            return
        try:
            self.look()
        except Stopped as error:
            self._progress.note(f"the events of {self._name} cannot be read: {error.message}")

    def look(self) -> None:
        """Report new events."""
        self._looked_at = self._clock.monotonic()
        if self._stack_id is None:
            state = self._stacks.state(self._name)
            if state is None:
                return
            self._stack_id = state.id
        for event in self._stacks.events(self._stack_id, self._last):
            self._last = event.id
            self._seen.append(event)
            self._progress.note(str(event))

    def rewind(self) -> None:
        """Count as seen the events since the operation in progress began.

        It continued unobserved, and may have failed in the meantime.
        """
        if self._stack_id is None:
            return
        self._seen = list(under_way(self._stacks.events(self._stack_id, None)))
        if self._seen:
            self._last = self._seen[-1].id

    def failure(self) -> StackEvent | None:
        """Return the failure that caused all others since the beginning.

        Where a nested stack failed, that is the failure in it.
        """
        failed = cause(self._seen)
        for _ in range(MAX_NESTING):
            if (
                failed is None
                or failed.type != STACK
                or failed.physical_id in {"", failed.stack_id}
            ):
                break
            inner = self._stacks.events(failed.physical_id, None)
            since = self._seen[0].at
            deeper = cause(event for event in inner if event.at >= since)
            if deeper is None or deeper.physical_id == failed.physical_id:
                break
            failed = deeper
        return failed

    def settle(self) -> StackState | None:
        """Wait until the stack's operation has ended, and return the stack's state.

        Raises:
            Stopped: it takes too long.
        """
        end = self._clock.monotonic() + SETTLE_SECONDS
        while True:
            state = self._stacks.state(self._name)
            if readiness(state.status if state else None) != "working":
                self.look()
                return state
            if self._clock.monotonic() >= end:
                message = f"the stack {self._name} is still {state.status if state else 'deleted'}"
                raise Stopped(message, "check it in the console, then resume")
            self.look()
            self._clock.sleep(POLL_SECONDS)
