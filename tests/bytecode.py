"""Compiled modules for the processes that tests start, where the environment has Python write none.

There are hundreds, and each would compile Django and Celery anew, which takes longer than all else that it does.
"""

import atexit
import os
import shutil
import sys
import tempfile


def keep_bytecode() -> None:
    """For this process and all that are started from now on, in a directory that goes with this one."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        directory = os.environ["PYTHONPYCACHEPREFIX"] = tempfile.mkdtemp(prefix="chanx-tests-")
        sys.dont_write_bytecode, sys.pycache_prefix = False, directory
        atexit.register(_remove, directory, os.getpid())


def _remove(directory: str, pid: int) -> None:
    if os.getpid() == pid:  # not a child that was forked
        shutil.rmtree(directory, ignore_errors=True)
