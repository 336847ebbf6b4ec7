"""How long ``migrate lint`` takes on one spec and on many, and pytest to collect as many.

Prints JSON: CPU seconds, medians; for lint also seconds by the wall, least of all; for one spec
also the ratio to ``import yaml, jsonschema``, which is most of what it has to load; for pytest what
the specs add to an empty folder. Timed in turns, so that a busy machine slows all. It judges
nothing: what is too slow is for the reader to say.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[1] / "specs" / "orders.migrate.yaml"


def main() -> None:
    """Time every command and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="how often each is started")
    parser.add_argument("--specs", type=int, default=500, help="how many specs many are")
    parser.add_argument("--spec", type=Path, default=SPEC, help="what each is a copy of")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        commands = _commands(Path(place), options.spec, options.specs)
        medians, least = _timed(commands, options.rounds)
    added = medians["collect_many"] - medians["collect_none"]
    result = {
        "rounds": options.rounds,
        "spec": options.spec.name,
        "specs": options.specs,
        **{f"{name}_cpu_s": round(seconds, 3) for name, seconds in medians.items()},
        "one_wall_s": round(least["one"], 3),
        "many_wall_s": round(least["many"], 3),
        "one_to_imports_ratio": round(medians["one"] / medians["imports"], 2),
        "collecting_adds_cpu_s": round(added, 3),
    }
    print(json.dumps(result))


def _commands(place: Path, spec: Path, count: int) -> dict[str, list[str]]:
    """Return what is timed, its files made in ``place``."""
    text = spec.read_text("utf-8")
    for name, number in (("none", 0), ("one", 1), ("many", count)):
        (place / name).mkdir()
        for index in range(number):
            named = re.sub(r"(?m)^name: .*", f"name: spec-{index}", text, count=1)
            (place / name / f"{index}.migrate.yaml").write_text(named, "utf-8")
    migrate = str(Path(sys.executable).with_name("migrate"))
    pytest = [sys.executable, "-m", "pytest", "-p", "retable.runner.pytest_plugin"]
    collect = [*pytest, "--collect-only", "-q", "-p", "no:cacheprovider"]
    return {
        "imports": [sys.executable, "-c", "import yaml, jsonschema"],
        "one": [migrate, "lint", str(place / "one")],
        "many": [migrate, "lint", str(place / "many")],
        "collect_none": [*collect, f"--rootdir={place / 'none'}", str(place / "none")],
        "collect_many": [*collect, f"--rootdir={place / 'many'}", str(place / "many")],
    }


def _timed(
    commands: dict[str, list[str]], rounds: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the median of each command's CPU seconds, and the least of its seconds by the wall."""
    for command in commands.values():
        _seconds(command)  # the first start compiles and fills the disk cache
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            start = time.perf_counter()
            used = _seconds(command)
            taken[name].append((used, time.perf_counter() - start))
    medians = {name: statistics.median(cpu for cpu, _ in both) for name, both in taken.items()}
    return medians, {name: min(wall for _, wall in both) for name, both in taken.items()}


def _seconds(command: list[str]) -> float:
    """Return the CPU seconds that ``command`` takes, its children's included."""
    before = _used()
    # No other plugin of pytest's, some of which take longer than all the specs.
    environ = {**os.environ, "GITHUB_ACTIONS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(  # noqa: S603 -- our own commands
        command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environ
    )
    return _used() - before


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
