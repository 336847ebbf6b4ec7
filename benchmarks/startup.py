"""How long ``migrate --help`` takes beside ``python -c 'import click'``, its largest part.

Prints JSON: the medians in seconds and their ratio. The two are timed in turns, so that a busy
machine slows both. It judges nothing: what is too slow is for the reader to say.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Time both commands and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each is started")
    rounds = parser.parse_args().rounds
    commands = {
        "help": [str(Path(sys.executable).with_name("migrate")), "--help"],
        "click": [sys.executable, "-c", "import click"],
    }
    for command in commands.values():
        _seconds(command)  # the first start compiles and fills the disk cache
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(_seconds(command))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    result = {
        "rounds": rounds,
        "migrate_help_s": round(medians["help"], 4),
        "import_click_s": round(medians["click"], 4),
        "ratio": round(medians["help"] / medians["click"], 2),
    }
    print(json.dumps(result))


def _seconds(command: list[str]) -> float:
    """Return how long ``command`` takes by the wall."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
