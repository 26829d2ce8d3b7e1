"""What benchmarks refuse before they begin: numbers that make no sense, and more sockets than a process may have."""

import math
import resource
import sys
from argparse import ArgumentTypeError

_SPARE = 500


def positive(text: str) -> int:
    """A whole number from 1 on, for argparse."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is less than 1")
    return number


def positive_float(text: str) -> float:
    """A finite number above 0, for argparse."""
    number = float(text)
    if not 0 < number < math.inf:
        raise ArgumentTypeError(f"{text} is no number above 0")
    return number


def allow_sockets(sockets: int) -> None:
    """Raise the limit of open files as far as that many need, here and in the servers; exits where it cannot be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + _SPARE
    if hard != resource.RLIM_INFINITY and wanted > hard:
        sys.exit(f"{wanted:,} open files are wanted, and a process may have {hard:,} here: choose fewer (--help).")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
