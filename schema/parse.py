"""Document to ``Spec``, with every finding reported at once.

Each section that the JSON Schema accepts is parsed, even if others failed; a section that failed
is left out, and so are the checks that need it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from retable.schema.cursor import Cursor
from retable.schema.document import Document
from retable.schema.meaning import Sections, check_meaning
from retable.schema.parse_rows import parse_rows
from retable.schema.parse_run import parse_load, parse_rebuild, parse_verify
from retable.schema.parse_source import parse_source
from retable.schema.parse_table import parse_sandbox, parse_target
from retable.schema.parse_transform import parse_transform
from retable.schema.problem import Problem, SpecError
from retable.schema.spec import Origin, RowTest, Spec

Section = TypeVar("Section")


def parse(document: Document, folder: Path, raw: bytes) -> Spec:
    """Return the spec in ``document``; ``raw`` is the content of its file.

    Raises:
        SpecError: anything is wrong with it, here or in an earlier pass.
    """
    root = Cursor(document.value, (), document.findings)
    sections = _sections(root)
    check_meaning(root, sections)
    problems = tuple(dict.fromkeys(document.findings.problems))
    if document.findings.failed():
        raise SpecError(problems, document.text)
    origin = Origin(
        file=document.file,
        folder=folder,
        text=document.text,
        sha256=hashlib.sha256(raw).hexdigest(),
        spans=document.spans,
        keys=document.keys,
    )
    return _spec(root.value, sections, origin, problems)


def _sections(root: Cursor) -> Sections:
    return Sections(
        source=_section(root, "source", parse_source),
        target=_section(root, "target", parse_target),
        rebuild=_section(root, "rebuild", parse_rebuild, default={}),
        transform=_section(root, "transform", parse_transform, default={}, pruned=True),
        load=_section(root, "load", parse_load, default={}, pruned=True),
        verify=_section(root, "verify", parse_verify, default={}, pruned=True),
        tests=_tests(root),
        sandbox=_section(root, "sandbox", parse_sandbox),
    )


def _section(
    root: Cursor,
    name: str,
    parse_one: Callable[[Cursor], Section],
    *,
    default: dict[str, Any] | None = None,
    pruned: bool = False,
) -> Section | None:
    """Return one section; ``None`` if it cannot be parsed, or is absent without a default.

    ``pruned`` parses the section without the keys that have errors, all of which are optional; so
    one wrong key does not hide the findings about the others.
    """
    if name not in root:
        return None if default is None else parse_one(Cursor(default, (name,), root.findings))
    section = root[name]
    if section.sound():
        return parse_one(section)
    if not pruned or root.findings.blamed(section.path) or not isinstance(section.value, dict):
        return None
    left = {key: part.value for key, part in section.items() if part.sound() or key == "fields"}
    if not isinstance(left.get("fields", {}), dict) or root.findings.blamed((name, "fields")):
        del left["fields"]
    return parse_one(Cursor(left, section.path, root.findings))


def _tests(root: Cursor) -> tuple[RowTest, ...]:
    if "tests" not in root or root.findings.blamed(("tests",)):
        return ()
    return parse_rows(root["tests"])


def _spec(value: Any, sections: Sections, origin: Origin, warnings: tuple[Problem, ...]) -> Spec:
    # Without errors no section is missing; the asserts are for mypy.
    assert sections.source is not None  # noqa: S101
    assert sections.target is not None  # noqa: S101
    assert sections.rebuild is not None  # noqa: S101
    assert sections.transform is not None  # noqa: S101
    assert sections.load is not None  # noqa: S101
    assert sections.verify is not None  # noqa: S101
    return Spec(
        name=value["name"],
        description=value.get("description", ""),
        tags=tuple(value.get("tags", ())),
        source=sections.source,
        target=sections.target,
        rebuild=sections.rebuild,
        transform=sections.transform,
        load=sections.load,
        verify=sections.verify,
        tests=sections.tests,
        sandbox=sections.sandbox,
        origin=origin,
        warnings=warnings,
    )
