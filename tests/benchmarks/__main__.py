"""All benchmarks, one after the other, and one table of their headline figures at the end.

Run it with ``python -m tests.benchmarks [NAME ...] [--quick]``. What each benchmark prints goes to stderr as it comes;
stdout has the table alone. The exit code is 1 if one has failed, which does not keep the others from running.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.headlines import FILE_VARIABLE, headlines
from tests.benchmarks.table import Outcome, table

_HERE = Path(__file__).parent
_STDERR = 2

QUICK: Mapping[str, Sequence[str]] = {
    "connections": [
        "burst",
        "cycles",
        "--clients",
        "200",
        "--cycles",
        "500",
        "--server",
        "uvicorn",
        "--layer",
        "pubsub",
    ],
    "event_bus": ["200", "2"],
    "fan_out": ["--clients", "1000", "--rounds", "3", "--server", "uvicorn"],
    "faults": ["--events", "600", "--clients", "5", "worker killed", "site killed"],
    "imports": ["3"],
    "job_fan_out": ["--clients", "1000", "--rounds", "3", "--burst", "5"],
    "job_latency": ["200", "3"],
    "memory": ["--connections", "200", "--server", "uvicorn", "--layer", "pubsub"],
    "progress": ["2000"],
    "python_client": ["1000"],
    "replay": ["1000"],
    "resubscribe": ["50", "500"],
    "task_cost": ["5"],
    "task_fan_out": ["--seconds", "3", "--burst", "500", "--wait", "5", "--clients", "20", "--servers", "uvicorn"],
}
"""The arguments of a short run, for those that take arguments."""


def benchmarks() -> list[str]:
    """The names of all, without ``bench_``."""
    return sorted(file.stem.removeprefix("bench_") for file in _HERE.glob("bench_*.py"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Run benchmarks; print one table.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(benchmarks())}; all by default")
    parser.add_argument("--quick", action="store_true", help="a short run of those that can: to see that they work")
    chosen = parser.parse_args(arguments)
    names: list[str] = [name.removeprefix("bench_") for name in chosen.names] or benchmarks()
    if unknown := sorted({*names} - {*benchmarks()}):
        parser.error(f"no such benchmark: {', '.join(unknown)}")
    return run({name: _command(name, quick=chosen.quick) for name in names})


def _command(name: str, *, quick: bool) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.bench_{name}", *(QUICK.get(name, ()) if quick else ())]


def run(commands: Mapping[str, Sequence[str]]) -> int:
    """One after the other; the table of what ran, also when somebody has had enough before the last."""
    outcomes: list[Outcome] = []
    try:
        for number, (name, command) in enumerate(commands.items(), 1):
            print(f"== {name} ({number} of {len(commands)})", file=sys.stderr, flush=True)
            began = time.monotonic()
            outcomes.append(outcome(name, command))
            print(f"== {name} took {time.monotonic() - began:.0f} s\n", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        outcomes += [Outcome(name, failure="interrupted") for name in [*commands][len(outcomes) :]]
    print(table(outcomes))
    return int(any(each.failure for each in outcomes))


def outcome(name: str, command: Sequence[str]) -> Outcome:
    """Run one to its end."""
    with TemporaryDirectory() as directory:
        file = Path(directory) / "headlines"
        file.touch()
        environment = {**os.environ, FILE_VARIABLE: str(file), "PYTHONUNBUFFERED": "1"}
        code = subprocess.run(command, env=environment, stdout=_STDERR, check=False).returncode
        figures = [*headlines(file)]
    if code:
        failure = f"exit code {code}, its output says why"
    else:
        failure = "" if figures else "it has given no figures"
    return Outcome(name, figures, failure)


if __name__ == "__main__":
    sys.exit(main())
