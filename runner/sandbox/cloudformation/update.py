"""Carries out an operation on a whole stack, and rolls it back when it fails.

The order of deletions and statuses is the service's; resources are handled one
after the other. ``operations`` checks first whether a request is allowed.
"""

from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
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
    DesiredState,
    Obsolete,
    Resource,
    Stack,
    Undo,
)
from retable.runner.sandbox.cloudformation.stack_template import references
from retable.runner.sandbox.cloudformation.wire import StackError
from retable.runner.sandbox.cloudformation.work import FailedError, Work, failed_to

CLEANUP_ATTEMPTS = 3
"""After these an update keeps what cannot be deleted; "UPDATE_COMPLETE_CLEANUP" docs."""


class Deployment:
    """One piece of work on one stack."""

    def __init__(
        self, all_stacks: AllStacks, stack: Stack, dynamodb: DynamoDB, token: str | None
    ) -> None:
        """Prepare; ``token`` marks the events."""
        self._world = all_stacks
        self._stack = stack
        self._work = Work(all_stacks, stack, dynamodb, token)

    def become(self, status: str, reason: str | None = None) -> None:
        """Set the stack's status and record the event."""
        stack = self._stack
        self._work.note(stack.name, stack.stack_id, STACK_TYPE, status, reason)
        stack.reason, stack.status = reason, status

    def create(self, desired: DesiredState, on_failure: str) -> None:
        """Create a new stack's resources; ``on_failure`` is ROLLBACK, DELETE or DO_NOTHING."""
        try:
            self._apply(desired)
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

    def update(self, desired: DesiredState, *, keep_failed: bool) -> None:
        """Bring a stack to ``desired``; a failure is rolled back, or kept with ``keep_failed``."""
        try:
            obsolete = self._apply(desired)
        except FailedError as failure:
            if keep_failed:
                self.become("UPDATE_FAILED", failure.reason)
            else:
                self.become("UPDATE_ROLLBACK_IN_PROGRESS", failure.reason)
                self.roll_back(frozenset())
            return
        self._settle()
        self._stack.obsolete = obsolete
        self.become("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        left = self._clean_up()
        reason = "Update successful. One or more resources could not be deleted."
        self.become("UPDATE_COMPLETE", reason if left else None)

    def adopt(self, desired: DesiredState) -> None:
        """Import existing resources into the stack."""
        try:
            self._apply(desired)
        except FailedError as failure:
            self.become("IMPORT_ROLLBACK_IN_PROGRESS", failure.reason)
            self._undo_all(frozenset())
            self.become("IMPORT_ROLLBACK_COMPLETE")
            return
        self._settle()
        self.become("IMPORT_COMPLETE")

    def roll_back_creation(self) -> None:
        """Delete what a failed creation created; a resource with the policy Retain is kept."""
        self._undo_all(frozenset())
        left = self._clean_up()
        now = self._world.state.options.clock.now()
        for one in left:
            # They belong to the stack as long as it exists.
            name = one.declaration.logical_id
            resource = Resource(one.declaration, one.made, "DELETE_FAILED", now)
            self._stack.resources[name] = resource
        reason = failed_to("delete", [one.declaration.logical_id for one in left])
        self.become("ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", reason if left else None)

    def roll_back(self, skipped: frozenset[str]) -> None:
        """Roll a stack back to its state before the update; ``skipped`` are left unchanged."""
        failed = self._undo_all(skipped)
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
                left = Obsolete(declaration, resource.made, stays)
                if not self._work.dispose(left, attempts=1):
                    resource.status = "DELETE_FAILED"
                    failed.append(name)
            if name in needed or name in failed:
                # A resource that a remaining one refers to is not deleted either.
                needed.update(references(declaration.body))
            else:
                del stack.resources[name]
        if failed:
            self.become("DELETE_FAILED", failed_to("delete", failed))
        else:
            self._end()

    def _end(self) -> None:
        """Mark the stack as deleted."""
        self._stack.outputs.clear()
        self._stack.imports.clear()
        self._stack.deleted = self._world.state.options.clock.now()
        self.become("DELETE_COMPLETE")

    def _apply(self, desired: DesiredState) -> list[Obsolete]:
        """Bring the stack's resources to ``desired``; return what is then obsolete.

        Raises:
            FailedError: a resource failed; ``undo`` has how to undo the others.
        """
        stack = self._stack
        if stack.before is None:
            outputs, imports = tuple(stack.outputs), frozenset(stack.imports)
            stack.before = Before(stack.current, dict(stack.resources), outputs, imports)
        obsolete = []
        # From the start, an update shows its new template, a rollback the previous one.
        stack.current = desired
        stack.imports.clear()
        scope = scope_of(self._world, stack, desired)
        kept: set[str] = set()
        try:
            for name, declaration in desired.template.resources.items():
                if scope.holds(declaration.condition):
                    kept.add(name)
                    properties = effective_properties(declaration, scope, desired.tags)
                    identifier = desired.imports.get(name)
                    left = self._work.ensure(declaration, properties, identifier)
                    obsolete += [left] if left else []
            new_outputs = outputs_of(scope)
            check_exports(self._world, stack, stack.outputs, new_outputs)
        except StackError as error:
            raise FailedError(error.message) from error
        for name, resource in reversed(list(stack.resources.items())):
            if name not in kept and resource.made is not None:
                declaration = resource.declaration
                obsolete.append(Obsolete(declaration, resource.made, declaration.is_retained))
        stack.resources = _in_order(stack, desired)
        stack.outputs = new_outputs
        return obsolete

    def _settle(self) -> None:
        """Forget the rollback: the stack has reached its desired state."""
        self._stack.before = None
        self._stack.undo.clear()

    def _undo_all(self, skipped: frozenset[str]) -> list[str]:
        """Undo what was done, last first; return the resources for which that failed."""
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

    def _clean_up(self) -> list[Obsolete]:
        """Delete what is obsolete; return what could not be deleted and is left behind."""
        stack = self._stack
        left = []
        for one in stack.obsolete:
            if not self._work.dispose(one, CLEANUP_ATTEMPTS):
                left.append(one)
            found = stack.resources.get(one.declaration.logical_id)
            if found is not None and found.made is one.made:
                del stack.resources[one.declaration.logical_id]
        stack.obsolete = []
        return left


def _in_order(stack: Stack, desired: DesiredState) -> dict[str, Resource]:
    """Return the stack's resources: removed ones first, the others in order of creation."""
    order = [name for name in desired.template.resources if name in stack.resources]
    rest = [name for name in stack.resources if name not in order]
    return {name: stack.resources[name] for name in [*rest, *order]}
