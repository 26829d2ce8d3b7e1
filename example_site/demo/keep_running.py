"""Keeps one program running: starts it again when it ends, and never leaves a process of its tree behind.

``python -m example_site.demo.keep_running [--restart] [--ready-url URL --ready-text TEXT] -- PROGRAM ...``
"""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from chanx.testing.tied_process import tied

_POLL_SECONDS = 0.2
_STOP_SECONDS = 3.0  # less than honcho's 5 s, after which it would kill us instead
_QUICK_SECONDS = 5.0
_QUICK_FAILURES = 5
_FIRST_PAUSE = 0.5
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(slots=True)
class Keeper:
    """Runs ``command`` until it is told to stop, its parent is gone, or the command keeps failing."""

    command: Sequence[str]
    restart: bool
    ready_url: str = ""
    ready_text: str = ""
    stopping: bool = False
    """Set by SIGTERM or SIGINT, or when the parent has ended."""
    parent: int = field(default_factory=os.getppid)

    def run(self) -> int:
        """The exit code: 0 if it was stopped, else that of the command's last run."""
        quick_failures = 0
        while True:
            started = time.monotonic()
            code = self._run_once()
            if self.stopping or not self.restart:
                return 0 if self.stopping else code
            quick_failures = quick_failures + 1 if time.monotonic() - started < _QUICK_SECONDS else 0
            if quick_failures == _QUICK_FAILURES:
                print(
                    f"It ended {_QUICK_FAILURES} times right after its start: giving up. The reason is printed above."
                )
                return code or 1
            pause = _FIRST_PAUSE * 2 ** max(0, quick_failures - 1)
            print(f"It ended ({_in_words(code)}) and is started again in {pause:g} s.", flush=True)
            self._pause(pause)
            if self.stopping:
                return 0

    def _run_once(self) -> int:
        # A session of its own: a signal to our group reaches us alone, and we decide how the program ends.
        child = subprocess.Popen(tied(self.command), start_new_session=True)
        while child.poll() is None:
            if self.stopping:
                _end(child)
                break
            self._announce()
            self._pause(_POLL_SECONDS, child)
        _kill_descendants()
        return child.wait()

    def _pause(self, seconds: float, child: subprocess.Popen[bytes] | None = None) -> None:
        """Wait, but no longer than until a reason to stop or the end of ``child``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.stopping and (child is None or child.poll() is None):
            time.sleep(0.05)
            if os.getppid() != self.parent:
                self.stopping = True

    def _announce(self) -> None:
        if self.ready_url and _answers(self.ready_url):
            self.ready_url = ""
            print(f"\n{self.ready_text}\n", flush=True)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(_STOP_SECONDS)


def _kill_descendants() -> None:
    """Kill what is left of the program's tree: as a subreaper we inherit every process whose own parent has ended."""
    while left := psutil.Process().children(recursive=True):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _in_words(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def main() -> int:
    parser = argparse.ArgumentParser(prog="keep_running")
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--ready-url", default="")
    parser.add_argument("--ready-text", default="")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    keeper = Keeper(options.command, options.restart, options.ready_url, options.ready_text)

    def stop(_number: int, _frame: object) -> None:
        keeper.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)
    return keeper.run()


if __name__ == "__main__":
    sys.exit(main())
