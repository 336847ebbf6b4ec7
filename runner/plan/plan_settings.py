"""The step that looks at a finished table's settings, as data; see ``plan``."""

from dataclasses import dataclass

from retable.runner.table.settings import Attached


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSettings:
    """Hold every setting of the finished target against what was captured and planned."""

    id: str
    create: str
    settings: str
    """The id of the ``RestoreSettings`` step."""
    fence: str
    """The id of the ``LiftFence`` step, which has the policy to end with."""
    attached: Attached
    """What shall be attached, whoever attaches it."""
