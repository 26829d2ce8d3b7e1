"""A program's lines arrive as they are printed, and nothing of it is left behind."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from example_worker.commands import COMMANDS
from example_worker.process import Line, RunningProgram
from tests.waiting import wait_until


def python(script: str) -> RunningProgram:
    return RunningProgram([sys.executable, "-u", "-c", script])


def read_all(program: RunningProgram, within: float = 20) -> list[Line]:
    deadline = time.monotonic() + within
    lines: list[Line] = []
    while program.exit_code is None:
        assert time.monotonic() < deadline, lines
        lines += program.read(timeout=0.1)
    return lines


def test_lines_of_both_streams_and_the_exit_code() -> None:
    script = "import sys; [print(n) for n in range(1000)]; print('oh', file=sys.stderr); print('end', end=''); exit(3)"
    with python(script) as program:
        lines = read_all(program)
        assert program.exit_code == 3
    assert [line.text for line in lines if line.stream == "stdout"] == [*map(str, range(1000)), "end"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["oh"]


def test_a_line_arrives_while_the_program_runs() -> None:
    # Given a program that prints a line and then waits for ever
    with python("import time; print('first'); time.sleep(1000)") as program:
        # When it is read until something comes
        lines: list[Line] = []
        while not lines:
            lines = program.read(timeout=5)
        # Then that is the line, and the program still runs
        assert lines == [Line("stdout", "first")]
        assert program.exit_code is None


def test_read_returns_in_time_when_nothing_is_printed() -> None:
    with python("import time; time.sleep(1000)") as program:
        started = time.monotonic()
        assert program.read(timeout=0.2) == []
        assert time.monotonic() - started < 2


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    with python("import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(4)") as program:
        assert read_all(program) == []
        assert program.exit_code == 4


@pytest.mark.parametrize("stubborn", [False, True])
def test_leaving_ends_the_whole_group(stubborn: bool) -> None:
    # Given a program with a child, both deaf to SIGTERM or not
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    child = f"{ignore}import time; print('up', flush=True); time.sleep(1000)"
    script = f"{ignore}import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', {child!r}]); "
    with python(script + "print(c.pid); time.sleep(1000)") as program:
        lines: list[Line] = []
        while len(lines) < 2:
            lines += program.read(timeout=5)
        child_pid = int(next(line.text for line in lines if line.text != "up"))
        # When the block is left
        started = time.monotonic()
    # Then both are gone, promptly
    assert time.monotonic() - started < 2
    assert not psutil.pid_exists(program.pid)
    wait_until(lambda: not _runs(child_pid))


def test_a_child_left_behind_does_not_hold_up_the_end() -> None:
    # Given a program that ends while its child keeps the pipes open
    child = "import time; time.sleep(1000)"
    script = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}]).pid, end='')"
    with python(script) as program:
        [line] = read_all(program)
        assert program.exit_code == 0
    # Then the end is seen, and the child is ended too
    wait_until(lambda: not _runs(int(line.text)))


def test_no_file_descriptors_are_left_open() -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    for _ in range(3):
        with python("print(1)") as program:
            read_all(program)
        with python("import time; time.sleep(1000)"):
            pass
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


def test_the_environment_of_the_worker_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHANX_REDIS_URL", "redis://:secret@host/0")
    with python("import os; print('CHANX_REDIS_URL' in os.environ)") as program:
        assert read_all(program) == [Line("stdout", "False")]


@pytest.mark.parametrize(("key", "code"), [("packages", 0), ("fail", 3)])
def test_commands_run_here(key: str, code: int) -> None:
    with RunningProgram(COMMANDS[key].argv) as program:
        lines = read_all(program)
        assert program.exit_code == code
    assert lines


def test_the_missing_command_is_missing() -> None:
    with pytest.raises(FileNotFoundError):
        RunningProgram(COMMANDS["missing"].argv)


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
