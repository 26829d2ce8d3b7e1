"""What a program prints arrives as it is printed, and nothing of it is left behind."""

from __future__ import annotations

import os
import sys
import time

import psutil
import pytest

from example_worker.commands import COMMANDS
from example_worker.process import CHUNK, Output, RunningProgram
from tests.waiting import wait_until


def python(script: str) -> RunningProgram:
    return RunningProgram([sys.executable, "-u", "-c", script])


def read_all(program: RunningProgram, within: float = 60) -> dict[str, str]:
    """The text of each stream that printed something."""
    deadline = time.monotonic() + within
    texts: dict[str, str] = {}
    while program.exit_code is None:
        assert time.monotonic() < deadline, texts
        for stream, text in program.read(timeout=0.1):
            texts[stream] = texts.get(stream, "") + text
    return texts


def test_both_streams_and_the_exit_code() -> None:
    script = "import sys; [print(n) for n in range(1000)]; print('oh', file=sys.stderr); print('end', end=''); exit(3)"
    with python(script) as program:
        texts = read_all(program)
        assert program.exit_code == 3
    assert texts == {"stdout": "".join(f"{number}\n" for number in range(1000)) + "end", "stderr": "oh\n"}


def test_characters_are_whole_however_their_bytes_come() -> None:
    # Given a program that prints the bytes of a character one by one, then one that is no UTF-8, then half a character
    script = "import os, time; [(os.write(1, bytes([b])), time.sleep(0.05)) for b in '😀é'.encode() + b'\\xff\\xc3']"
    with python(script) as program:
        texts = read_all(program)
    assert texts == {"stdout": "😀é\ufffd\ufffd"}


def test_an_endless_line_arrives_in_pieces() -> None:
    with python("while True: print('x' * 1000, end='')") as program:
        received = 0
        while received < 1_000_000:
            pieces = program.read(timeout=5)
            received += sum(len(piece.text) for piece in pieces)
            assert all(len(piece.text) <= CHUNK for piece in pieces)


def test_output_arrives_while_the_program_runs() -> None:
    # Given a program that prints a line and then waits for ever
    with python("import time; print('first'); time.sleep(1000)") as program:
        # When it is read until something comes
        pieces: list[Output] = []
        while not pieces:
            pieces = program.read(timeout=5)
        # Then that is what it printed, and the program still runs
        assert "".join(piece.text for piece in pieces).startswith("first")
        assert program.exit_code is None


def test_read_returns_in_time_when_nothing_is_printed() -> None:
    with python("import time; time.sleep(1000)") as program:
        assert program.read(timeout=0.2) == []


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    with python("import os, time; os.close(1); os.close(2); time.sleep(0.3); os._exit(4)") as program:
        assert read_all(program) == {}
        assert program.exit_code == 4


@pytest.mark.parametrize("stubborn", [False, True])
def test_leaving_ends_the_whole_group(stubborn: bool) -> None:
    # Given a program with a child, both deaf to SIGTERM or not
    ignore = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " if stubborn else ""
    child = f"{ignore}import time; print('up', flush=True); time.sleep(1000)"
    script = f"{ignore}import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', {child!r}]); "
    with python(script + "print(c.pid); time.sleep(1000)") as program:
        text = ""
        while text.count("\n") < 2:
            text += "".join(piece.text for piece in program.read(timeout=5))
        child_pid = int(text.replace("up", ""))
    # When the block is left, then both are gone
    assert not psutil.pid_exists(program.pid)
    wait_until(lambda: not _runs(child_pid))


def test_a_child_left_behind_does_not_hold_up_the_end() -> None:
    # Given a program that ends while its child keeps the pipes open
    child = "import time; time.sleep(1000)"
    script = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {child!r}]).pid, end='')"
    with python(script) as program:
        child_pid = int(read_all(program)["stdout"])
        assert program.exit_code == 0
    # Then the end is seen, and the child is ended too
    wait_until(lambda: not _runs(child_pid))


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
        assert read_all(program) == {"stdout": "False\n"}


@pytest.mark.parametrize(("key", "code"), [("packages", 0), ("fail", 3)])
def test_commands_run_here(key: str, code: int) -> None:
    with RunningProgram(COMMANDS[key].argv) as program:
        texts = read_all(program)
        assert program.exit_code == code
    assert texts


def test_the_missing_command_is_missing() -> None:
    with pytest.raises(FileNotFoundError):
        RunningProgram(COMMANDS["missing"].argv)


def _runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
