"""Doing what was asked of a stack as a whole, and taking it back when it fails.

Who deletes what when, and in which order statuses follow, is the service's; resources are dealt
with one after the other. What a request may ask is judged before, in ``operations``.
"""

from retable.runner.sandbox.cloudformation.all_stacks import World
from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.scope import (
    check_exports,
    effective_properties,
    outputs_of,
    scope_of,
)
from retable.runner.sandbox.cloudformation.stack import (
    STACK_TYPE,
    Before,
    Resource,
    Stack,
    Superfluous,
    Undo,
    Wanted,
)
from retable.runner.sandbox.cloudformation.stack_template import references
from retable.runner.sandbox.cloudformation.wire import StackError
from retable.runner.sandbox.cloudformation.work import FailedError, Work, failed_to

CLEANUP_ATTEMPTS = 3
"""After that an update leaves behind what cannot be deleted; "UPDATE_COMPLETE_CLEANUP" docs."""


class Deployment:
    """One piece of work on one stack."""

    def __init__(self, world: World, stack: Stack, dynamodb: DynamoDB, token: str | None) -> None:
        """Prepare; ``token`` marks the events."""
        self._world = world
        self._stack = stack
        self._work = Work(world, stack, dynamodb, token)

    def become(self, status: str, reason: str | None = None) -> None:
        """Put the stack into a status and write it down."""
        stack = self._stack
        self._work.note(stack.name, stack.stack_id, STACK_TYPE, status, reason)
        stack.reason, stack.status = reason, status

    def create(self, wanted: Wanted, on_failure: str) -> None:
        """Make a new stack's resources; ``on_failure`` is ROLLBACK, DELETE or DO_NOTHING."""
        try:
            self._apply(wanted)
        except FailedError as failure:
            if on_failure == "DO_NOTHING":
                self.become("CREATE_FAILED", failure.reason)
                return
            reason = f"{failure.reason} Rollback requested by user."
            is_kept = on_failure == "ROLLBACK"
            self.become("ROLLBACK_IN_PROGRESS" if is_kept else "DELETE_IN_PROGRESS", reason)
            self.roll_back_creation()
            if not is_kept and self._stack.status == "ROLLBACK_COMPLETE":
                self._end()
            return
        self._settle()
        self.become("CREATE_COMPLETE")

    def update(self, wanted: Wanted, *, keep_failed: bool) -> None:
        """Bring a stack to ``wanted``; what fails is taken back, or left with ``keep_failed``."""
        try:
            superfluous = self._apply(wanted)
        except FailedError as failure:
            if keep_failed:
                self.become("UPDATE_FAILED", failure.reason)
            else:
                self.become("UPDATE_ROLLBACK_IN_PROGRESS", failure.reason)
                self.roll_back(frozenset())
            return
        self._settle()
        self._stack.superfluous = superfluous
        self.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        left = self._clean_up()
        reason = "Update successful. One or more resources could not be deleted."
        self.become("UPDATE_COMPLETE", reason if left else None)

    def adopt(self, wanted: Wanted) -> None:
        """Take resources into the stack that are there already."""
        try:
            self._apply(wanted)
        except FailedError as failure:
            self.become("IMPORT_ROLLBACK_IN_PROGRESS", failure.reason)
            self._take_back(frozenset())
            self.become("IMPORT_ROLLBACK_COMPLETE")
            return
        self._settle()
        self.become("IMPORT_COMPLETE")

    def roll_back_creation(self) -> None:
        """Delete what a failed creation made; a resource whose policy is Retain stays."""
        self._take_back(frozenset())
        left = self._clean_up()
        now = self._world.state.options.clock.now()
        for one in left:
            # They are the stack's as long as the stack is there.
            name = one.declaration.logical_id
            resource = Resource(one.declaration, one.made, "DELETE_FAILED", now)
            self._stack.resources[name] = resource
        reason = failed_to("delete", [one.declaration.logical_id for one in left])
        self.become("ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", reason if left else None)

    def roll_back(self, skipped: frozenset[str]) -> None:
        """Bring a stack back to what it was before its update; ``skipped`` are left as they are."""
        failed = self._take_back(skipped)
        if failed:
            self.become("UPDATE_ROLLBACK_FAILED", failed_to("update", failed))
            return
        self.become("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
        self._clean_up()
        self.become("UPDATE_ROLLBACK_COMPLETE")

    def delete(self, retained: frozenset[str]) -> None:
        """Delete a stack with its resources, except for ``retained``."""
        stack = self._stack
        needed: set[str] = set()
        failed: list[str] = []
        for name, resource in reversed(list(stack.resources.items())):
            declaration = resource.declaration
            if name not in needed and resource.made is not None:
                stays = name in retained or declaration.is_retained
                left = Superfluous(declaration, resource.made, stays)
                if not self._work.dispose(left, attempts=1):
                    resource.status = "DELETE_FAILED"
                    failed.append(name)
            if name in needed or name in failed:
                # What something that is still there refers to is not deleted either.
                needed.update(references(declaration.body))
            else:
                del stack.resources[name]
        if failed:
            self.become("DELETE_FAILED", failed_to("delete", failed))
        else:
            self._end()

    def _end(self) -> None:
        """Let the stack be no more."""
        self._stack.outputs.clear()
        self._stack.imports.clear()
        self._stack.deleted = self._world.state.options.clock.now()
        self.become("DELETE_COMPLETE")

    def _apply(self, wanted: Wanted) -> list[Superfluous]:
        """Make the stack's resources what ``wanted`` says; return what is superfluous then.

        Raises:
            FailedError: something did not work; ``undo`` says how to take back what did.
        """
        stack = self._stack
        if stack.before is None:
            outputs, imports = tuple(stack.outputs), frozenset(stack.imports)
            stack.before = Before(stack.current, dict(stack.resources), outputs, imports)
        superfluous = []
        # From its beginning on an update shows what it leads to, a rollback what it goes back to.
        stack.current = wanted
        stack.imports.clear()
        scope = scope_of(self._world, stack, wanted)
        kept: set[str] = set()
        try:
            for name, declaration in wanted.template.resources.items():
                if scope.holds(declaration.condition):
                    kept.add(name)
                    properties = effective_properties(declaration, scope, wanted.tags)
                    identifier = wanted.imports.get(name)
                    left = self._work.ensure(declaration, properties, identifier)
                    superfluous += [left] if left else []
            new_outputs = outputs_of(scope)
            check_exports(self._world, stack, stack.outputs, new_outputs)
        except StackError as error:
            raise FailedError(error.message) from error
        for name, resource in reversed(list(stack.resources.items())):
            if name not in kept and resource.made is not None:
                declaration = resource.declaration
                superfluous.append(Superfluous(declaration, resource.made, declaration.is_retained))
        stack.resources = _in_order(stack, wanted)
        stack.outputs = new_outputs
        return superfluous

    def _settle(self) -> None:
        """Forget how to go back: the stack is what it was to become."""
        self._stack.before = None
        self._stack.undo.clear()

    def _take_back(self, skipped: frozenset[str]) -> list[str]:
        """Take back what was done, last first; return the resources for which that failed."""
        stack = self._stack
        left: list[Undo] = []
        failed: list[str] = []
        for undo in reversed(stack.undo):
            if undo.logical_id in skipped:
                continue
            try:
                undo.action()
            except FailedError:
                left.insert(0, undo)
                failed.append(undo.logical_id)
        stack.undo = left
        if failed or stack.before is None:
            return failed
        before = stack.before
        stack.current, stack.resources = before.current, dict(before.resources)
        stack.outputs, stack.imports = list(before.outputs), set(before.imports)
        stack.before = None
        return []

    def _clean_up(self) -> list[Superfluous]:
        """Delete what is superfluous; return what could not be deleted and is left behind."""
        stack = self._stack
        left = []
        for one in stack.superfluous:
            if not self._work.dispose(one, CLEANUP_ATTEMPTS):
                left.append(one)
            found = stack.resources.get(one.declaration.logical_id)
            if found is not None and found.made is one.made:
                del stack.resources[one.declaration.logical_id]
        stack.superfluous = []
        return left


def _in_order(stack: Stack, wanted: Wanted) -> dict[str, Resource]:
    """Return the stack's resources, those that are to go first, the others as they are made."""
    order = [name for name in wanted.template.resources if name in stack.resources]
    rest = [name for name in stack.resources if name not in order]
    return {name: stack.resources[name] for name in [*rest, *order]}
