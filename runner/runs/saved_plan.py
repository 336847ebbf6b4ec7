"""Plans saved to a file for a later run: applied once, and only while they are up to date.

It describes what changed between two plans. It makes no calls to AWS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from retable.runner.failure import Refused, Stale
from retable.runner.plan.encoding import encode_plan, read_plan
from retable.runner.plan.export_steps import UseExport
from retable.runner.plan.head import plan_id_of, read_head
from retable.runner.plan.plan import Plan
from retable.runner.runs.folder import RunFolder, runs_of
from retable.runner.runs.journal import is_completed, read_journal
from retable.schema.spec import Spec

AGAIN = "make a new one with migrate plan --out"
_ESTIMATES = {"item_count", "size_bytes"}
_WORDS = {
    "spec_name": "the spec's name",
    "account": "the account",
    "region": "the region",
    "sandbox": "whether it is a sandbox",
    "strategy": "the strategy",
    "source": "the source table",
    "target": "the target table",
    "key": "the target's key",
}


def save_plan(plan: Plan, path: Path, plan_id: str) -> None:
    """Write ``plan`` to the file ``path``; ``plan_id`` identifies it once it has been used."""
    path.write_bytes(encode_plan(plan, plan_id))


def read_saved_plan(path: Path, spec: Spec, run_dir: Path) -> tuple[Plan, str]:
    """Return the plan in the file ``path`` and its id, if it was made from ``spec`` as it is now.

    Raises:
        Refused: it is not a plan, is for another spec, or cannot be applied.
        Stale: it was altered or used already, or the spec has changed.
    """
    plan = read_plan(path)
    if plan.spec_name != spec.name:
        message = f"{path} is a plan for {plan.spec_name}; the spec is {spec.name}"
        raise Refused(message, AGAIN)
    if plan.unsupported or plan.command != "run":
        message = f"{path} is a plan that cannot be applied"
        raise Refused(message, "its field applyable is false")
    plan_id = plan_id_of(path)
    if plan_id is None:
        message = f"{path} has no id; it was not written by migrate plan --out"
        raise Refused(message, AGAIN)
    _require_unused(plan_id, path, run_dir, spec)
    changed = list(_changed_files(plan, spec))
    if changed:
        raise _stale(path, changed)
    return plan, plan_id


def require_same(saved: Plan, now: Plan, path: Path) -> None:
    """Refuse a saved plan that differs from the one made now.

    Raises:
        Stale: names everything that changed.
    """
    found = moved(saved, now)
    if found:
        raise _stale(path, found)


def moved(saved: Plan, now: Plan) -> list[str]:
    """Return descriptions of the differences between two plans of one spec.

    Estimates change with every write to the table, and are ignored.
    """
    found = [*_moved_facts(saved, now), *_moved_settings(saved, now), *_moved_export(saved, now)]
    if not found and saved.steps != now.steps:
        found.append("the steps: this version of the program plans them differently")
    return found


def applied_by(spec: Spec, run_dir: Path) -> RunFolder | None:
    """Return the finished run that carried out exactly this ``spec``, if there is one."""
    for folder in runs_of(run_dir, spec.name):
        if not folder.journal.is_file():
            continue
        head = read_head(folder.plan)
        own = spec.transform.functions
        wanted = (spec.origin.sha256, own.sha256 if own else None, "run")
        found = (head.spec_sha256, head.functions_sha256, head.command) if head else None
        if found == wanted and is_completed(read_journal(folder.journal)):
            return folder
    return None


def _require_unused(plan_id: str, path: Path, run_dir: Path, spec: Spec) -> None:
    for folder in runs_of(run_dir, spec.name):
        if plan_id_of(folder.plan) != plan_id:
            continue
        message = f"{path} was used already, by run {folder.run_id}"
        done = folder.journal.is_file() and is_completed(read_journal(folder.journal))
        hint = AGAIN if done else f"resume it with --resume --run {folder.run_id}, or {AGAIN}"
        raise Stale(message, hint)


def _changed_files(plan: Plan, spec: Spec) -> Iterator[str]:
    if plan.spec_sha256 != spec.origin.sha256:
        yield f"the spec: {spec.origin.file} has changed"
    own = spec.transform.functions
    if plan.functions_sha256 != (own.sha256 if own else None):
        yield f"the functions: {own.file if own else 'their file'} has changed"


def _moved_facts(saved: Plan, now: Plan) -> Iterator[str]:
    for name, words in _WORDS.items():
        before, after = getattr(saved, name), getattr(now, name)
        if before != after:
            yield words if name == "key" else f"{words}: {before} -> {after}"


def _moved_settings(saved: Plan, now: Plan) -> Iterator[str]:
    before, after = _settings(saved), _settings(now)
    if before.get("table_id") != after.get("table_id"):
        # Another table altogether: other differences are meaningless.
        yield f"the source's TableId: {before.get('table_id')} -> {after.get('table_id')}"
        return
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"the source's {name.replace('_', ' ')}"


def _settings(plan: Plan) -> Mapping[str, Any]:
    """Return the source's settings as one mapping, without those that change by themselves."""
    if plan.settings is None:
        return {}
    settings = asdict(plan.settings)
    description = settings.pop("description")
    whole = {**description, **settings.pop("attached"), **settings}
    return {name: value for name, value in whole.items() if name not in _ESTIMATES}


def _moved_export(saved: Plan, now: Plan) -> Iterator[str]:
    before, after = _export(saved), _export(now)
    if before != after:
        yield f"the finished export: {before or 'none'} -> {after or 'none'}"
    elif saved.items_are_exact and saved.items != now.items:
        yield f"items in the export: {saved.items:,} -> {now.items:,}"


def _export(plan: Plan) -> str | None:
    found = [step.export_id for step in plan.steps if isinstance(step, UseExport)]
    return found[0] if found else None


def _stale(path: Path, changes: list[str]) -> Stale:
    return Stale(f"{path} is out of date; changed since: {'; '.join(changes)}", AGAIN)
