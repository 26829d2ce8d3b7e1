"""A side-by-side runner in a process of its own, watched by a test."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Thread

import psutil

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


class Runner:
    """The process, and the lines that it has printed so far."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            argv,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def pids(self, prefix: str, *, times: int = 1) -> list[psutil.Process]:
        """The processes of the ``times``-th line of a program that says its pids."""
        wait_until(lambda: len(self._said(prefix)) >= times, what=self.output)
        return [psutil.Process(int(pid)) for pid in self._said(prefix)[times - 1].split()]

    def tree(self) -> list[psutil.Process]:
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def output(self) -> str:
        return "\n".join(self.lines)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def _said(self, prefix: str) -> list[str]:
        return [line.split(f"| {prefix} pids ")[1] for line in self.lines if f"| {prefix} pids " in line]


def gone(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)
