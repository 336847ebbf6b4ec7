"""Loads for tests: one small export, one scripted table, and what came of it."""

import random
from pathlib import Path
from typing import Any

from retable.runner.aws.session import Aws, connect
from retable.runner.clock import SystemClock
from retable.runner.export.datafile import CheckedFile
from retable.runner.load.batch_write import LoadRequest, load_items
from retable.runner.load.progress_account import FileTally
from retable.runner.progress import NoProgress
from retable.schema.spec import Spec
from retable.transforms import compile_mapping
from support.builders import build_spec
from support.exports import make_export
from support.sink import Item, Script, sink

COUNT = 120
SPEC = """
spec: 1
name: plain
source: {table: orders, export: {kind: native, location: s3://acme-exports/}}
target: {table: orders-v2, key: {partition: {name: id, type: S}}}
"""


class Loading:
    """One export to load, and what came of it."""

    def __init__(self, tmp_path: Path, count: int = COUNT) -> None:
        self.count = count
        self.spec: Spec = build_spec(tmp_path, SPEC)
        items = [b'{"id":{"S":"o-%d"},"n":{"N":"%d"}}' % (n, n) for n in range(count)]
        self.files: tuple[CheckedFile, ...] = make_export(tmp_path, items).check()
        self.quarantine = tmp_path / "load.jsonl"
        self.tallies: list[FileTally] = []
        self.marks: dict[str, FileTally] = {}
        """How far each file was, as it was last told."""
        self.batches: list[list[Item]] = []
        self.stored: dict[str, Item] = {}
        """What the table holds, over all loads."""

    def load(self, script: Script, **changes: Any) -> dict[str, Item]:
        """Load into a sink that answers by ``script`` and return what it stored."""
        with sink(script) as (taker, aws):
            try:
                self._load(aws, **changes)
            finally:
                self.batches = taker.batches
                self.stored |= taker.stored
            return taker.stored

    def load_at(self, endpoint: str, access_key: str | None = "LOADER", **changes: Any) -> None:
        """Load into whatever is at ``endpoint``."""
        environ = {"AWS_ENDPOINT_URL": endpoint}
        if access_key is not None:
            environ |= {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": "secret"}
        self._load(connect("eu-west-1", environ=environ), **changes)

    def done(self) -> frozenset[str]:
        """Return the files that were told to be done."""
        return frozenset(tally.file for tally in self.tallies)

    def left(self) -> dict[str, FileTally]:
        """Return how far those files were that are not done."""
        return {key: mark for key, mark in self.marks.items() if key not in self.done()}

    def _load(self, aws: Aws, **changes: Any) -> None:
        wanted: dict[str, Any] = {
            "rate": None,
            "on_conflict": "overwrite",
            "done_files": frozenset(),
            "skip": lambda _: frozenset(),
            "on_file_done": self.tallies.append,
            "on_file_mark": self._mark,
            "marks": {},
            "mapping": compile_mapping(self.spec),
            "progress": NoProgress(),
            "clock": SystemClock(),
            **changes,
        }
        load_items(
            LoadRequest(
                aws=aws,
                files=self.files,
                table="orders-v2",
                key=self.spec.target.key,
                quarantine=self.quarantine,
                rng=random.Random(1),  # noqa: S311 -- jitter needs no secrecy
                total=self.count,
                **wanted,
            )
        )

    def _mark(self, tally: FileTally) -> None:
        self.marks[tally.file] = tally

    def sums(self) -> tuple[int, int, int]:
        """Return loaded, superseded and quarantined over all files."""
        return (
            sum(tally.loaded for tally in self.tallies),
            sum(tally.superseded for tally in self.tallies),
            sum(tally.quarantined for tally in self.tallies),
        )
