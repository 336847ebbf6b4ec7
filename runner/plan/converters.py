"""What every converter between a plan's dataclasses and JSON must know: links and times."""

from datetime import datetime
from typing import Any, get_origin

from cattrs import Converter

from retable.runner.plan.step import Link


def with_links_and_times(converter: Converter) -> Converter:
    """Teach ``converter`` links and times, and return it."""
    converter.register_unstructure_hook_func(_is_link, lambda found: found.id)
    converter.register_structure_hook_func(_is_link, lambda text, _: Link(text))
    converter.register_unstructure_hook(datetime, datetime.isoformat)
    converter.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    return converter


def _is_link(kind: Any) -> bool:
    """Return whether ``kind`` is a link to any kind of step."""
    return Link in {kind, get_origin(kind)}
