"""Running several programs side by side in one terminal, as honcho does, with nothing left behind at the end.

::

    runner (honcho's manager, prints) -> honcho's forked reader -> keep_running -> the program and what it starts

Each arrow is a parent that its child does not outlive: a forked reader and the program die by the kernel's
parent-death signal, ``keep_running`` notices and ends the program's whole tree.
"""

import multiprocessing
import os
import shlex
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from honcho.manager import Manager

from chanx.testing.tied_process import die_with_parent


@dataclass(frozen=True, slots=True)
class DemoProcess:
    """One program: its output's prefix, its command line, and whether it is started again when it ends by itself.

    With ``ready_url``, ``ready_text`` is printed once that URL answers. A program that is not started again, or keeps
    failing, ends all the others.
    """

    name: str
    argv: tuple[str, ...]
    restart: bool = False
    ready_url: str = ""
    ready_text: str = ""


def run_side_by_side(processes: Sequence[DemoProcess], *, environment: Mapping[str, str], directory: Path) -> int:
    """Run them until one gives up (then its exit code is the result) or a signal asks to stop (then 0).

    To be called from the main thread of a process that has no other threads: honcho forks it.
    """
    multiprocessing.set_start_method("fork", force=True)
    runner = os.getpid()
    os.register_at_fork(after_in_child=lambda: die_with_parent(runner))
    # honcho handles Ctrl-C and SIGTERM; a closed terminal shall stop everything as well.
    signal.signal(signal.SIGHUP, lambda *_: os.kill(runner, signal.SIGTERM))
    manager = Manager()
    for process in processes:
        manager.add_process(process.name, _shell_command(process), env=dict(environment), cwd=str(directory))
    try:
        manager.loop()
    finally:
        # None is left after an orderly end. After a disorderly one Python would wait for them without end.
        for reader in multiprocessing.active_children():
            reader.kill()
    stopped_by_signal = manager.returncode in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    return 0 if stopped_by_signal else int(manager.returncode or 0)


def _shell_command(process: DemoProcess) -> str:
    keeper = [sys.executable, "-m", "example_site.demo.keep_running"]
    options = ["--restart"] if process.restart else []
    if process.ready_url:
        options += ["--ready-url", process.ready_url, "--ready-text", process.ready_text]
    return "exec " + shlex.join([*keeper, *options, "--", *process.argv])
