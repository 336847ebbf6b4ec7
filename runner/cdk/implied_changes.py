"""Whether a part changed only because others were removed: it lost its references to them.

In the other direction: whether it changed only because others were added.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from retable.runner.cdk.difference import differences
from retable.runner.cdk.references import mentioned
from retable.runner.cdk.template import Part


def other_differences(fuller: Part, barer: Part, gone: Collection[str]) -> tuple[str, ...]:
    """Return the paths where two versions of a part differ for an unrelated reason.

    ``gone``: the removed parts, to which ``fuller`` may refer; ``barer`` is the same part after.
    """
    return tuple(_Comparison(gone, fuller.scope).places(fuller.body, barer.body, ""))


class _Comparison:
    """Compares values of one template, ignoring references to the removed parts."""

    def __init__(self, gone: Collection[str], scope: str) -> None:
        self._gone = gone
        self._scope = scope

    def places(self, fuller: Any, barer: Any, place: str) -> Iterator[str]:
        """Yield where the values differ without a reference to a removed part."""
        if not self._names_gone(fuller):
            yield from differences(fuller, barer, place)
        elif isinstance(fuller, Mapping) and isinstance(barer, Mapping):
            yield from self._in_objects(fuller, barer, place)
        elif isinstance(fuller, list) and isinstance(barer, list):
            yield from self._in_arrays(fuller, barer, place)
        # Anything else is a reference that was replaced by another value.

    def _names_gone(self, value: Any) -> bool:
        return bool(mentioned(value, self._scope, self._gone))

    def _in_objects(
        self, fuller: Mapping[str, Any], barer: Mapping[str, Any], place: str
    ) -> Iterator[str]:
        if _is_function(fuller) and fuller.keys() != barer.keys():
            return
        for name in sorted(fuller.keys() | barer.keys()):
            inner = f"{place}.{name}" if place else name
            if name in fuller and name in barer:
                yield from self.places(fuller[name], barer[name], inner)
            elif name in barer or not self._names_gone(fuller[name]):
                yield inner

    def _in_arrays(self, fuller: list[Any], barer: list[Any], place: str) -> Iterator[str]:
        """Yield the path unless ``barer`` is the rest of ``fuller``, in its order."""
        # The possible positions after each element of ``fuller``: dropping one and changing it
        # may both be possible, and only the rest shows which of the two was done.
        ends = {0}
        for element in fuller:
            dropped = ends if self._names_gone(element) else set()
            kept = {
                end + 1
                for end in ends
                if end < len(barer) and not any(self.places(element, barer[end], "x"))
            }
            ends = dropped | kept
        if len(barer) not in ends:
            yield place


def _is_function(value: Mapping[str, Any]) -> bool:
    """Return whether an object is a CloudFormation function."""
    return len(value) == 1 and all(name == "Ref" or name.startswith("Fn::") for name in value)
