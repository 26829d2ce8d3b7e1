"""Compiled modules for the processes that tests start, where the environment has Python write none.

There are hundreds, and each would compile Django and Celery anew, which takes longer than all else that it does.
"""

import os
import sys
from pathlib import Path


def keep_bytecode() -> None:
    """For this process and all that are started from now on, beside the packages."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        directory = os.environ["PYTHONPYCACHEPREFIX"] = str(Path(sys.prefix) / "pycache-of-tests")
        sys.dont_write_bytecode, sys.pycache_prefix = False, directory
