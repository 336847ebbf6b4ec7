"""Creates, imports, changes, replaces and deletes one resource at a time, with its events.

Each piece of work leaves an ``Undo``. ``update`` decides the order.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from retable.runner.sandbox.cloudformation.all_stacks import AllStacks
from retable.runner.sandbox.cloudformation.dynamodb_calls import DynamoDB
from retable.runner.sandbox.cloudformation.kind import (
    Kind,
    ResourceError,
    Site,
    changed_properties,
    well_formed,
)
from retable.runner.sandbox.cloudformation.resource_kinds import kind_of
from retable.runner.sandbox.cloudformation.stack import (
    Event,
    Made,
    Obsolete,
    Resource,
    Stack,
    Undo,
)
from retable.runner.sandbox.cloudformation.stack_template import Declaration
from retable.runner.sandbox.faults import stack_failure

REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."

Properties = Mapping[str, Any]


class FailedError(Exception):
    """A resource or the whole stack failed; ``reason`` is the stack's status reason."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        self.reason = reason
        super().__init__(reason)


def failed_to(verb: str, names: list[str]) -> str:
    """Return the status reason of a stack with failed resources."""
    return f"The following resource(s) failed to {verb}: [{', '.join(names)}]."


class Work:
    """Works on the resources of one stack, with one caller's credentials."""

    def __init__(
        self, all_stacks: AllStacks, stack: Stack, dynamodb: DynamoDB, token: str | None
    ) -> None:
        """Prepare; ``token`` marks the events."""
        self._world = all_stacks
        self._stack = stack
        self._dynamodb = dynamodb
        self._token = token

    def note(
        self, name: str, physical_id: str | None, kind: str, status: str, reason: str | None
    ) -> None:
        """Record an event."""
        events = self._stack.events
        time = self._world.state.options.clock.now()
        if events:
            # Clients sort events by their time, which has milliseconds.
            time = max(time, events[-1].time + timedelta(milliseconds=1))
        event = Event(
            event_id=f"{name}-{status}-{len(events) + 1:08d}",
            time=time,
            logical_id=name,
            physical_id=physical_id,
            type=kind,
            status=status,
            reason=reason,
            token=self._token,
        )
        events.append(event)

    def ensure(
        self, declaration: Declaration, properties: Properties, identifier: Properties | None
    ) -> Obsolete | None:
        """Bring a resource to its desired state; return what a replacement leaves behind.

        ``identifier`` names an existing one that belongs to no stack.

        Raises:
            FailedError: it cannot be done.
        """
        resource = self._stack.resources.get(declaration.logical_id)
        if resource is None or resource.made is None:
            if identifier is None:
                self._make(declaration, properties)
            else:
                self._adopt(declaration, properties, identifier)
            return None
        if not changed_properties(resource.made.properties, properties):
            self._stack.resources[declaration.logical_id] = replace(
                resource, declaration=declaration
            )
            return None
        return self._change(declaration, resource, resource.made, properties)

    def dispose(self, left: Obsolete, attempts: int) -> bool:
        """Delete an obsolete resource, unless it is retained; return whether that succeeded."""
        declaration, made = left.declaration, left.made
        if left.stays:
            self._event(declaration, made, "DELETE_SKIPPED", None)
            return True
        for _ in range(attempts):
            self._event(declaration, made, "DELETE_IN_PROGRESS", None)
            self._world.pause()
            try:
                self._fail_by_fault(declaration, "delete")
                self._kind(declaration).delete(self._site(declaration), made)
            except ResourceError as error:
                self._event(declaration, made, "DELETE_FAILED", error.reason)
            else:
                self._event(declaration, made, "DELETE_COMPLETE", None)
                return True
        return False

    def _make(self, declaration: Declaration, properties: Properties) -> None:
        """Create a resource."""
        resource = self._resource(declaration)

        def back() -> None:
            if resource.made is not None:
                stays = declaration.deletion_policy == "Retain"
                left = Obsolete(declaration, resource.made, stays)
                self._stack.obsolete.append(left)

        self._stack.undo.append(Undo(declaration.logical_id, back))
        self._do("create", resource, lambda kind, site: kind.create(site, properties))

    def _adopt(
        self, declaration: Declaration, properties: Properties, identifier: Properties
    ) -> None:
        """Import an existing resource into the stack."""
        resource = self._resource(declaration)

        def found(kind: Kind, site: Site) -> Made:
            name = next(iter(identifier.values()))
            made = kind.find(site, name)
            if made is None:
                message = f"Resource of type '{site.type}' with identifier '{name}' was not found."
                raise ResourceError(message)
            return Made(made.physical_id, properties, made.attributes, made.model)

        self._do("import", resource, found)

    def _change(
        self, declaration: Declaration, resource: Resource, old: Made, properties: Properties
    ) -> Obsolete | None:
        """Change or replace a resource."""
        fresh = replace(resource, declaration=declaration)
        self._stack.resources[declaration.logical_id] = fresh
        kind, site = self._handled(fresh)
        if not _needs_another(kind, site, old, properties):
            self._stack.undo.append(
                Undo(declaration.logical_id, lambda: self._change_back(fresh, old))
            )
            self._do("update", fresh, lambda kind, site: kind.update(site, old, properties))
            return None
        self._stack.undo.append(
            Undo(declaration.logical_id, lambda: self._leave(declaration, fresh, old))
        )

        def recreated(kind: Kind, site: Site) -> Made:
            _refuse_custom_name(kind, old, properties)
            return kind.create(site, properties)

        self._do("update", fresh, recreated, REPLACING)
        stays = declaration.replace_policy in {"Retain", "RetainExceptOnCreate"}
        return Obsolete(declaration, old, stays)

    def _change_back(self, resource: Resource, old: Made) -> None:
        """Undo a change in place."""
        now = resource.made or old
        self._do("update", resource, lambda kind, site: kind.update(site, now, old.properties))

    def _leave(self, declaration: Declaration, resource: Resource, old: Made) -> None:
        """Undo a replacement: the old resource still exists."""
        if resource.made is not None and resource.made is not old:
            stays = declaration.deletion_policy == "Retain"
            self._stack.obsolete.append(Obsolete(declaration, resource.made, stays))
        resource.made = old
        self._mark(resource, "UPDATE_COMPLETE", None)

    def _do(
        self,
        verb: str,
        resource: Resource,
        action: Callable[[Kind, Site], Made],
        reason: str | None = None,
    ) -> None:
        """Do one action on one resource, with its events.

        Raises:
            FailedError: it fails; what was created of it is in ``resource.made``.
        """
        declaration, status = resource.declaration, verb.upper()
        self._mark(resource, f"{status}_IN_PROGRESS", reason)
        self._world.pause()
        try:
            self._fail_by_fault(declaration, verb)
            kind, site = self._handled(resource)
            with well_formed(site):
                resource.made = action(kind, site)
        except ResourceError as error:
            resource.made = error.made or resource.made
            self._mark(resource, f"{status}_FAILED", error.reason)
            raise FailedError(failed_to(verb, [declaration.logical_id])) from error
        if verb == "create":
            self._mark(resource, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        self._mark(resource, f"{status}_COMPLETE", None)

    def _resource(self, declaration: Declaration) -> Resource:
        """Return a new resource of the stack, not created yet."""
        now = self._world.state.options.clock.now()
        resource = Resource(declaration, None, "CREATE_IN_PROGRESS", now)
        self._stack.resources[declaration.logical_id] = resource
        return resource

    def _mark(self, resource: Resource, status: str, reason: str | None) -> None:
        """Set a resource's status and record the event."""
        resource.status, resource.reason = status, reason
        resource.changed = self._world.state.options.clock.now()
        self._event(resource.declaration, resource.made, status, reason)

    def _event(
        self, declaration: Declaration, made: Made | None, status: str, reason: str | None
    ) -> None:
        physical_id = None if made is None else made.physical_id
        self.note(declaration.logical_id, physical_id, declaration.type, status, reason)

    def _handled(self, resource: Resource) -> tuple[Kind, Site]:
        return self._kind(resource.declaration), self._site(resource.declaration)

    def _kind(self, declaration: Declaration) -> Kind:
        return kind_of(declaration.type, self._dynamodb)

    def _site(self, declaration: Declaration) -> Site:
        stack = self._stack
        name, kind = declaration.logical_id, declaration.type
        free_name = self._world.free_name(stack.name, name, kind)
        return Site(stack.stack_id, stack.name, stack.region, name, kind, free_name)

    def _fail_by_fault(self, declaration: Declaration, verb: str) -> None:
        """Fail if a fault was injected.

        Raises:
            ResourceError: one was.
        """
        reason = stack_failure(self._world.state, declaration.logical_id, verb)
        if reason is not None:
            raise ResourceError(reason)


def _needs_another(kind: Kind, site: Site, old: Made, properties: Properties) -> bool:
    """Return whether the properties require a replacement."""
    try:
        with well_formed(site):
            return bool(kind.replacing(site, old.properties, properties))
    except ResourceError:
        # Faults in them are reported when the change is carried out.
        return False


def _refuse_custom_name(kind: Kind, old: Made, properties: Properties) -> None:
    """Refuse to create a second resource with the same custom name.

    Raises:
        ResourceError: the custom name is unchanged.
    """
    name = properties.get(kind.name_property) if kind.name_property else None
    if name is not None and name == old.physical_id:
        message = (
            "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
            f"Rename {name} and update the stack again."
        )
        raise ResourceError(message)
