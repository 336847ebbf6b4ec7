"""Worlds in which a run was killed, at every point of it, and from which it is to be resumed.

A run that stands still is stopped by SIGSTOP, all its threads with it: what lies in its folder and
in the sandbox is what SIGKILL would leave at that moment, and both can be copied. So one run gives
the worlds of all its points. Some points, drawn by chance, are tried with SIGKILL itself.

Between many points nothing happens: the run writes no file and asks the sandbox for no change. Such
points have one world between them, and it is tried once.
"""

import hashlib
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from support.copied_sandbox import CopiedSandbox
from support.killed import KILLED, OUTPUT, Finished, KilledRuns, Order
from support.points import Point

SEED = "RETABLE_CRASH_SEED"
"""The environment variable that has the same points drawn again."""
KILLS = 3
"""Points of each run that are tried with SIGKILL."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A folder with a spec, and a sandbox: all that a run reads and changes."""

    runs: KilledRuns
    sandbox: CopiedSandbox
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    """What runs find in their environment beside the way to the sandbox."""

    def order(self, *arguments: str, places: Sequence[str] = ()) -> Order:
        """Return what running ``migrate`` here means."""
        return Order(
            arguments=arguments,
            cwd=str(self.folder),
            env={**self.sandbox.env, **self.env},
            places=places,
        )

    def run(self, *arguments: str, places: Sequence[str] = ()) -> Finished:
        """Run ``migrate`` to its end."""
        return self.runs.run(self.order(*arguments, places=places))

    def points(self, *arguments: str, places: Sequence[str] = ()) -> list[Point]:
        """Run ``migrate`` to its end and return the points that it passed."""
        return list(self.runs.stops(replace(self.order(*arguments, places=places), stands=True)))

    @property
    def output(self) -> str:
        """Return all that runs here have printed."""
        return (self.folder / OUTPUT).read_text("utf-8")

    @contextmanager
    def copy(self) -> Iterator["World"]:
        """Yield a copy, which goes with the block."""
        with (
            tempfile.TemporaryDirectory(dir=self.folder.parent) as name,
            self.sandbox.copy() as sandbox,
        ):
            folder = Path(name) / self.folder.name
            shutil.copytree(self.folder, folder, symlinks=True)
            yield replace(self, sandbox=sandbox, folder=folder)

    @contextmanager
    def killed(self, *arguments: str, at: Point, places: Sequence[str] = ()) -> Iterator["World"]:
        """Yield a copy in which a run of ``arguments`` was killed by SIGKILL at that point."""
        with self.copy() as world:
            order = replace(world.order(*arguments, places=places), kill_at=at.number)
            assert self.runs.run(order) == Finished(KILLED, at), world.output
            yield world

    def crashes(
        self,
        *arguments: str,
        points: Sequence[Point] | None = None,
        places: Sequence[str] = (),
        only: Callable[[Point], bool] = lambda _: True,
        kills: int = KILLS,
    ) -> Iterator[tuple[Point, "World"]]:
        """Yield each point of a run of ``arguments`` and the world that a kill there leaves.

        They must be the ``points`` of an undisturbed run, where it is known which those are, and
        all ``places`` must be among them. Points that are not ``only`` are left out. This world
        stays as it is.
        """
        passed = []
        before = ""
        with self.copy() as straight:
            order = replace(straight.order(*arguments, places=places), stands=True)
            for point in self.runs.stops(order):
                passed.append(point)
                if only(point) and (now := straight.state()) != before:
                    before = now
                    with straight.copy() as world:
                        yield point, world
        assert points is None or passed == list(points)
        assert set(places) <= {point.what for point in passed}
        for point in drawn([point for point in passed if only(point)], kills):
            with self.killed(*arguments, at=point, places=places) as world:
                yield point, world

    def state(self) -> str:
        """Return what changes with anything in the folder and in the sandbox."""
        digest = hashlib.sha256(str(self.sandbox.changes).encode())
        for path in sorted(self.folder.rglob("*")):
            if path.is_file() and path.name != OUTPUT:
                body = path.read_bytes()
                digest.update(f"{path.relative_to(self.folder)} {len(body)} ".encode() + body)
        return digest.hexdigest()


def drawn(points: Sequence[Point], count: int) -> list[Point]:
    """Return points drawn by chance, and print the seed that draws the same ones."""
    seed = os.environ.get(SEED) or str(random.SystemRandom().getrandbits(32))
    chosen = random.Random(seed).sample(points, min(count, len(points)))  # noqa: S311 -- no secret
    sys.stdout.write(f"{SEED}={seed} kills at {', '.join(map(str, chosen))}\n")
    return chosen
