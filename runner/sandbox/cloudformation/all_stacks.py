"""CloudFormation's state: the stacks, and what all work on them shares."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from retable.runner.sandbox.cloudformation.dynamodb_calls import POLL_SECONDS, SandboxStopped
from retable.runner.sandbox.cloudformation.stack import Output, Stack
from retable.runner.sandbox.cloudformation.wire import invalid
from retable.runner.sandbox.sandbox_options import ACCOUNT
from retable.runner.sandbox.sandbox_state import State

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
SUFFIX_CHARACTERS = 12
MAX_NAMES = {"AWS::S3::Bucket": 63, "AWS::IAM::Role": 64, "AWS::Lambda::Function": 64}
"""The maximum length of a resource's name; 128 unless another is known."""
LOWER_CASE = frozenset({"AWS::S3::Bucket", "AWS::ECR::Repository"})


@dataclass(slots=True)
class AllStacks:
    """All stacks of all regions; ``lock`` is held while a request is answered."""

    state: State
    stacks: list[Stack] = field(default_factory=list)
    """In order of creation, including deleted ones."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    threads: list[threading.Thread] = field(default_factory=list)

    def find(self, region: str, name: str) -> Stack | None:
        """Return the stack by name or ARN; a deleted one is found by its ARN only."""
        for stack in self.stacks:
            if stack.region == region and (
                stack.stack_id == name or (stack.name == name and not stack.is_deleted)
            ):
                return stack
        return None

    def exports(self, region: str) -> Iterator[tuple[Stack, Output]]:
        """Yield the exports of the region's stacks."""
        for stack in self.stacks:
            if stack.region == region and not stack.is_deleted:
                yield from ((stack, one) for one in list(stack.outputs) if one.export is not None)

    def imported(self, region: str, name: str) -> str:
        """Return the value of an export.

        Raises:
            StackError: it does not exist.
        """
        for _, output in self.exports(region):
            if output.export == name:
                return output.value
        message = f"No export named {name} found."
        raise invalid(message)

    def importers(self, region: str, name: str) -> list[str]:
        """Return the names of the stacks that use an export."""
        return [
            stack.name
            for stack in self.stacks
            if stack.region == region and not stack.is_deleted and name in stack.imports
        ]

    def owner(self, region: str, resource_type: str, physical_id: str) -> Stack | None:
        """Return the stack that owns a resource."""
        for stack in self.stacks:
            if stack.region != region or stack.is_deleted:
                continue
            for resource in list(stack.resources.values()):
                is_it = resource.physical_id == physical_id
                if is_it and resource.declaration.type == resource_type:
                    return stack
        return None

    def arn(self, region: str, kind: str, name: str) -> str:
        """Return a new ARN."""
        digits = f"{self.state.random.getrandbits(128):032x}"
        parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
        return f"arn:aws:cloudformation:{region}:{ACCOUNT}:{kind}/{name}/{'-'.join(parts)}"

    def free_name(self, stack: str, logical_id: str, resource_type: str) -> str:
        """Return a unique name: stack, logical ID and a random suffix."""
        suffix = "".join(self.state.random.choices(ALPHABET, k=SUFFIX_CHARACTERS))
        room = MAX_NAMES.get(resource_type, 128) - len(suffix) - 2
        name = f"{stack}-{logical_id}"
        if len(name) + 1 > room:
            half = room // 2
            name = f"{stack[:half]}-{logical_id[: room - min(len(stack), half)]}"
        name = f"{name}-{suffix}"
        return name.lower() if resource_type in LOWER_CASE else name

    def pause(self) -> None:
        """Wait for the time that one resource takes.

        Raises:
            SandboxStopped: the sandbox stops.
        """
        clock = self.state.options.clock
        until = clock.monotonic() + self.state.options.resource_seconds
        while clock.monotonic() < until:
            if self.state.stopping.wait(POLL_SECONDS):
                raise SandboxStopped
