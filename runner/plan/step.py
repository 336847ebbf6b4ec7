"""What every step of a plan is: an id, a title, the requests that it will send, and its evidence.

A step names the step that it depends on by a ``Link``, which knows the kind of step that it refers
to. The evidence is what a finished step leaves in the journal, a frozen dataclass for each kind.
Nothing here knows any single kind of step.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, ClassVar, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from retable.runner.table.requests import Request

E_co = TypeVar("E_co", covariant=True)
E = TypeVar("E")


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOf(ABC, Generic[E_co]):
    """A step whose evidence is an ``E_co``."""

    id: str
    symbol: ClassVar[str] = "~"
    """The sign before its line: ``+`` create, ``-`` delete, ``~`` change, ``=`` keep, ``>`` write,
    ``?`` verify, ``!`` attention."""

    @property
    @abstractmethod
    def title(self) -> str:
        """Return the line that a user reads before approving it, and while it runs."""

    def requests(self, target: "Target") -> Iterator[Request]:
        """Yield the requests that it will send to change ``target``; most kinds send none."""
        del target
        return iter(())


S_co = TypeVar("S_co", covariant=True, bound=StepOf[Any])
S = TypeVar("S", bound=StepOf[Any])


@dataclass(frozen=True, slots=True)
class Link(Generic[S_co]):
    """A reference to an earlier step of the same plan, which is an ``S_co``."""

    id: str


def link(step: S) -> Link[S]:
    """Return a reference to ``step``."""
    return Link(step.id)


def find(link: Link[S], steps: Iterable[StepOf[Any]]) -> S:
    """Return the step that ``link`` refers to.

    ``require_linked`` has checked that it exists and is of its kind.
    """
    return next(step for step in steps if step.id == link.id)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The table that requests will change, as far as it is known before they are sent."""

    arn: str
    fence: str | None
    """The resource policy that it is created with."""
    steps: Sequence[StepOf[Any]]
    """All steps of the plan."""

    @property
    def table(self) -> str:
        """Return the table's name."""
        return self.arn.rpartition("/")[2]


def requests_of(
    steps: Sequence[StepOf[Any]], target_arn: str, fence: str | None = None
) -> Iterator[Request]:
    """Yield what ``steps`` will send to change the table ``target_arn``, created with ``fence``.

    What a step learns only when it runs, such as a policy's revision or a token, has a placeholder.
    """
    target = Target(arn=target_arn, fence=fence, steps=steps)
    for step in steps:
        yield from step.requests(target)


def evidence_of(kind: type[StepOf[E]]) -> type[E]:
    """Return the class of the evidence of steps of ``kind``."""
    for base in kind.__mro__:
        for generic in base.__dict__.get("__orig_bases__", ()):
            if get_origin(generic) is StepOf:
                found: type[E] = get_args(generic)[0]
                return found
    message = f"{kind.__name__} does not declare its evidence"
    raise TypeError(message)


def require_linked(steps: Sequence[StepOf[Any]]) -> None:
    """Require that ids are unique and every link refers to an earlier step of its kind.

    Raises:
        ValueError: naming the first step that breaks this.
    """
    earlier: dict[str, StepOf[Any]] = {}
    for step in steps:
        if step.id in earlier:
            message = f"two steps are called {step.id}"
            raise ValueError(message)
        for name, found, kinds in _links(step):
            if not issubclass(type(earlier.get(found.id)), kinds):
                expected = " or ".join(kind.__name__ for kind in kinds)
                message = (
                    f"{name} of the step {step.id} is {found.id}, expected an earlier {expected}"
                )
                raise ValueError(message)  # noqa: TRY004 -- a plan that cannot be, not a wrong type
        earlier[step.id] = step


def _links(value: Any) -> Iterator[tuple[str, Link[Any], tuple[type, ...]]]:
    """Yield each link in ``value`` and its parts: its name, and the kinds it may refer to."""
    for name, hint in get_type_hints(type(value)).items():
        if get_origin(hint) is ClassVar:
            continue
        found = getattr(value, name)
        if isinstance(found, Link):
            yield name, found, tuple(_kinds(hint))
        elif hasattr(found, "__dataclass_fields__"):
            yield from _links(found)


def _kinds(hint: Any) -> Iterator[type]:
    """Yield the kinds of step that a field of type ``hint`` may refer to."""
    if get_origin(hint) in {Union, UnionType}:
        for one in get_args(hint):
            yield from _kinds(one)
    elif get_origin(hint) is Link:
        yield from _kinds(get_args(hint)[0])
    elif isinstance(hint, type) and issubclass(hint, StepOf):
        yield hint
