"""The commands that people may start, by key: what runs is never put together from what a client sent."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    """``argv`` runs without a shell; ``seconds`` is how long it may take."""

    key: str
    title: str
    argv: tuple[str, ...]
    seconds: float = 600


def _python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-u", "-c", script)


_COUNT = """
import time
for number in range(1, 31):
    print(f"{number} of 30")
    time.sleep(0.2)
"""
_PACKAGES = """
from importlib.metadata import distributions
for line in sorted({f"{d.metadata['Name']} {d.version}" for d in distributions()}, key=str.lower):
    print(line)
"""
_FAIL = """
import sys
print("Checking the parts")
print("Part 2 is broken", file=sys.stderr)
sys.exit(3)
"""
_CLOCK = """
import time
started = time.monotonic()
while time.monotonic() - started < 300:
    print(f"{time.monotonic() - started:.0f} s have passed")
    time.sleep(1)
"""

COMMANDS: dict[str, Command] = {
    command.key: command
    for command in (
        Command("count", "Count to thirty", _python(_COUNT)),
        Command("packages", "List the installed Python packages", _python(_PACKAGES)),
        Command("clock", "Run for five minutes", _python(_CLOCK)),
        Command("silent", "Say nothing for five minutes", _python("import time; time.sleep(300)")),
        Command("fail", "Fail with exit code 3", _python(_FAIL)),
        Command("missing", "A program that is not installed", ("chanx-example-program-that-is-not-installed",)),
    )
}
