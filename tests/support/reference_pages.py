"""The pages of ``docs/reference/``, made from the program itself."""

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import click

from retable.runner.cli import COMMANDS, migrate
from retable.runner.plan.plan import Step
from retable.schema.validate import SCHEMA_FILE

SCHEMAS = SCHEMA_FILE.parent
MADE = "This page is made from the program itself.\n"


def pages() -> dict[str, str]:
    """Return every page by its name."""
    spec = json.loads(SCHEMA_FILE.read_bytes())
    pages = {
        "cli.md": "\n".join(_commands()),
        "spec.md": "\n".join(_spec(spec)),
    }
    for name, title in (("report", "report.json"), ("plan", "A plan"), ("lint", "Findings")):
        schema = json.loads((SCHEMAS / f"{name}.schema.json").read_bytes())
        pages[f"{name}.md"] = "\n".join(_schema(title, name, schema))
    pages["plan.md"] += "\n".join(_steps())
    return pages


def _commands() -> Iterator[str]:
    yield "# Commands\n"
    yield MADE
    yield _block(
        migrate.get_help(click.Context(migrate, info_name="migrate", max_content_width=90))
    )
    for name in COMMANDS:
        module = importlib.import_module(f"retable.runner.cli.{name.replace('-', '_')}")
        command = getattr(module, name.replace("-", "_"))
        context = click.Context(command, info_name=f"migrate {name}", max_content_width=90)
        yield f"## migrate {name}\n"
        yield _block(command.get_help(context))


def _spec(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "# The spec language\n"
    yield f"{schema['description'].rstrip('.')}. {MADE}"
    yield "`migrate schema` prints the JSON Schema, which editors complete and explain keys from.\n"
    for name, part in schema["properties"].items():
        needed = ", required" if name in schema["required"] else ""
        yield f"## {name}\n"
        yield f"{_kind(part, schema)}{needed}. {part.get('description', '')}\n"
        rows = list(_rows(part, schema, ""))
        if rows:
            yield "| key | takes | means |\n| --- | --- | --- |"
            yield "\n".join(rows) + "\n"


def _rows(part: Mapping[str, Any], root: Mapping[str, Any], before: str) -> Iterator[str]:
    """Yield a row for each key inside ``part``, and for those inside these."""
    part = _resolved(part, root)
    inner = dict(part.get("properties", {}))
    if part.get("type") != "object":
        # A word or a mapping: the schema of the mapping is in one branch.
        for branch in ("then", "else"):
            inner |= _resolved(part.get(branch, {}), root).get("properties", {})
    if part.get("type") == "array":
        yield from _rows(part.get("items", {}), root, f"{before}[].".replace(".[]", "[]"))
        return
    for name, value in inner.items():
        whole = _resolved(value, root)
        path = f"{before}{name}"
        means = [whole.get("description", "")]
        means += [f"Default: {_code(whole['default'])}."] if "default" in whole else []
        means += [f"Such as {_code(one)}." for one in whole.get("examples", ())[:1]]
        yield f"| `{path}` | {_kind(whole, root)} | {' '.join(filter(None, means))} |"
        if path.count(".") < 4:
            yield from _rows(whole, root, f"{path}.")


def _schema(title: str, name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {title}\n"
    yield f"{schema.get('description', '')} `migrate schema {name}` prints the JSON Schema. {MADE}"
    yield "| key | takes | means |\n| --- | --- | --- |"
    yield "\n".join(_rows(schema, schema, "")) + "\n"


def _steps() -> Iterator[str]:
    yield "\n## Steps\n"
    yield "| kind | does |\n| --- | --- |"
    for kind in get_args(Step):
        yield f"| `{kind.__name__}` | {(kind.__doc__ or '').splitlines()[0]} |"
    yield ""


def _resolved(part: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in part:
        return part
    return {**root["$defs"][part["$ref"].rpartition("/")[2]], **part}


def _kind(part: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    if "x-expected" in part:
        return _plain(str(part["x-expected"]))
    if "enum" in part:
        return ", ".join(map(_code, part["enum"]))
    if "const" in part:
        return _code(part["const"])
    if choices := part.get("anyOf", part.get("oneOf")):
        # Nothing, where it is a choice, reads better behind what else there may be.
        ordered = sorted(choices, key=lambda choice: choice.get("type") == "null")
        return " or ".join(dict.fromkeys(_kind(_resolved(one, root), root) for one in ordered))
    kinds = part.get("type", "anything")
    return kinds if isinstance(kinds, str) else " or ".join(kinds)


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("{", "\\{").replace("<", "&lt;").replace("*", "\\*")


def _code(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`".replace("|", "\\|")


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def write_pages(folder: Path) -> None:
    """Write every page into ``folder``."""
    for name, text in pages().items():
        (folder / name).write_text(text, "utf-8")
