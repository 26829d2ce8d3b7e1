"""Starting a child process that dies with the thread that started it, however that ends (Linux).

``subprocess`` could do this with ``preexec_fn``, but that is unsafe in a process with threads, and warns there since
Python 3.12. So a few lines of Python ask the kernel for it and then become the wanted program, under the same pid.
This file is run by its path, in an interpreter without site-packages: it imports nothing outside ``sys``, ``os`` and
``ctypes``.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

_PR_SET_PDEATHSIG = 1


def tied(argv: Sequence[str]) -> list[str]:
    """The command line that runs ``argv`` so that it gets SIGKILL when its parent ends.

    "Parent" is the **thread** that starts it (the kernel's rule), so start it from a thread that lives long enough;
    usually the main one. Where the kernel has no such request (macOS) it just runs ``argv``.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *argv]


def die_with_parent(parent_pid: int) -> None:
    """Ask that this process gets SIGKILL when its parent ends; ends it now if the parent ``parent_pid`` already has."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(128 + signal.SIGKILL)


if __name__ == "__main__":
    die_with_parent(int(sys.argv[1]))
    try:
        os.execvp(sys.argv[2], sys.argv[2:])
    except OSError as error:
        sys.exit(f"{sys.argv[2]}: {error.strerror}")
