"""What importing chanx costs a process, beside importing what it stands on: fresh interpreters, one after the other.

Run it with ``python -m tests.benchmarks.bench_imports [ROUNDS]``. In each round every import has its turn in a process
of its own; the figures are medians of the rounds. The time is the processor's, which other work on the machine changes
less than the clock's, for the import statements alone and with bytecode cached; of `chanx --help` and `python -c pass`
it is the whole process's. "Modules" is how many are loaded then. What both sides import first (Django's setup) does not
count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from resource import RUSAGE_CHILDREN, getrusage

from tests.benchmarks.headlines import headline
from tests.benchmarks.options import positive

ROUNDS = 9

DJANGO = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"])
django.setup()
"""
CELERY = "import celery.app.task, celery.result, celery.signals, kombu, redis"
CHANNELS = "import channels.generic.websocket, channels.layers"
FAST_CHANNELS = "import fast_channels.consumer, fast_channels.layers"
PYDANTIC = """
from pydantic import BaseModel
class Model(BaseModel): field: int
"""  # `import pydantic` alone loads next to nothing, and the first model the rest

PROGRAM = """
import sys, time
{before}
began, modules = time.process_time(), len(sys.modules)
{statement}
print(time.process_time() - began, len(sys.modules) - modules)
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What is imported, and the program that does it."""

    name: str
    program: str
    before: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """An import of ours, and what it is compared with: the library that it is for, and that one with Pydantic."""

    ours: Import
    others: tuple[Import, ...] = ()


def pair(module: str, library: str = "", program: str = "", before: str = "") -> Pair:
    ours = Import(module, f"import {module}", before)
    if not library:
        return Pair(ours)
    both = Import(f"{library} and Pydantic", program + PYDANTIC, before)
    return Pair(ours, (Import(library, program, before), both))


PAIRS = (
    pair("chanx"),
    pair("chanx.bridge"),
    pair("chanx.bridge.worker", "Celery, redis-py", CELERY),
    pair("chanx.channels.websocket", "Channels' consumer", CHANNELS, DJANGO),
    pair("chanx.fast_channels.websocket", "fast-channels' consumer", FAST_CHANNELS),
)
HELP = "chanx --help"
PYTHON = "python -c pass"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_imports")
    parser.add_argument("rounds", nargs="?", type=positive, default=ROUNDS, metavar="ROUNDS")
    rounds: int = parser.parse_args().rounds
    found: dict[Import, list[tuple[float, float]]] = {each: [] for pair in PAIRS for each in (pair.ours, *pair.others)}
    commands = {HELP: ["-m", "chanx.cli", "--help"], PYTHON: ["-c", "pass"]}
    whole: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for each, figures in found.items():
            taken = imported(each)
            if number:  # in the first round Python compiles what it had not yet
                figures.append(taken)
        for name, arguments in commands.items():
            seconds = ran(arguments)
            if number:
                whole[name].append(seconds)
    show(found)
    costs = {name: statistics.median(seconds) * 1e3 for name, seconds in whole.items()}
    for name, milliseconds in costs.items():
        print(f"{name:<48}{milliseconds:>14.1f}")
    headline(HELP, costs[HELP], "ms", against=(PYTHON, costs[PYTHON]))


def imported(each: Import) -> tuple[float, float]:
    """Seconds, and modules."""
    seconds, modules = python(["-c", PROGRAM.format(before=each.before, statement=each.program)]).split()
    return float(seconds), float(modules)


def ran(arguments: list[str]) -> float:
    """Seconds of a whole process."""
    began = getrusage(RUSAGE_CHILDREN)
    python(arguments)
    ended = getrusage(RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime


def python(arguments: list[str]) -> str:
    # Celery loads Django by itself where this is set.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True
    ).stdout


def show(found: dict[Import, list[tuple[float, float]]]) -> None:
    """A line for each, the compared ones below ours."""
    costs: dict[Import, float] = {}
    print(f"{'import':<48}{'milliseconds':>14}{'modules':>10}")
    for each, figures in found.items():
        seconds, modules = (statistics.median(values) for values in zip(*figures, strict=True))
        costs[each] = seconds * 1e3
        print(f"{each.name:<48}{costs[each]:>14.1f}{modules:>10.0f}")
    for pair in PAIRS:
        for other in pair.others or (None,):
            against = None if other is None else (other.name, costs[other])
            headline(f"import {pair.ours.name}", costs[pair.ours], "ms", against=against)


if __name__ == "__main__":
    main()
