"""What benchmarks are told on their command lines: nonsense is refused at once, in words."""

import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from tests.benchmarks.options import positive, positive_float

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("text", ["0", "-1"])
def test_a_number_that_is_none_of_anything(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="less than 1"):
        positive(text)


@pytest.mark.parametrize("text", ["0", "-0.5", "nan", "inf"])
def test_a_time_that_is_none(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="no number above 0"):
        positive_float(text)


def test_numbers_that_are_some() -> None:
    assert positive("1") == 1
    assert positive_float("0.5") == 0.5


@pytest.mark.parametrize(
    ("benchmark", "options"),
    [
        ("fan_out", ["--clients", "0"]),
        ("fan_out", ["--rounds", "0"]),
        ("job_fan_out", ["--clients", "0"]),
        ("job_fan_out", ["--burst", "0"]),
        ("task_fan_out", ["--rate", "0"]),
        ("task_fan_out", ["--client-processes", "0"]),
        ("memory", ["--connections", "0"]),
        ("connections", ["--cycles", "0"]),
        ("connections", ["--idle-minutes", "nan"]),
        ("imports", ["0"]),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_benchmark_refuses_nothing_to_measure(benchmark: str, options: list[str]) -> None:
    command = [sys.executable, "-m", f"tests.benchmarks.bench_{benchmark}", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2, ended.stderr
    assert "error: argument" in ended.stderr


@pytest.mark.parametrize(
    ("benchmark", "option"),
    [("fan_out", "--clients"), ("job_fan_out", "--clients"), ("memory", "--connections"), ("connections", "--clients")],
)
def test_a_benchmark_refuses_more_sockets_than_there_may_be(benchmark: str, option: str) -> None:
    command = f"ulimit -n 300 && exec {sys.executable} -m tests.benchmarks.bench_{benchmark} {option} 1000"
    ended = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 1, ended.stderr
    assert "open files are wanted, and a process may have 300 here" in ended.stderr
