"""Runs a page's Python in the current directory: ``python -m tests.docs.run_page PAGE PORT``, the Redis server's.

A process of its own for each page: Django and Celery can be set up once in one.
"""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from typing import Any

from tests.docs.checkers import TOP_LEVEL_AWAIT
from tests.docs.pages import DOCS, Block, blocks_of

_SERVER_IN_PAGES = "localhost:6379"


def run_blocks(blocks: list[Block], *, name: str, port: int) -> None:
    """Writes the files and executes the rest, in the order of the page. What a block raises has the page's line."""
    names: dict[str, Any] = {"__name__": "__main__"}
    # One loop for all that is awaited: connections outlive a block.
    with asyncio.Runner() as runner:
        for block in blocks:
            code = block.code.replace(_SERVER_IN_PAGES, f"127.0.0.1:{port}")
            if block.file is not None:
                file = Path(block.file)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(code)
            elif block.language == "python":
                compiled = compile("\n" * (block.line - 1) + code, name, "exec", TOP_LEVEL_AWAIT, dont_inherit=True)
                if compiled.co_flags & inspect.CO_COROUTINE:
                    runner.run(eval(compiled, names))
                else:
                    exec(compiled, names)


if __name__ == "__main__":
    page = DOCS / sys.argv[1]
    sys.path.insert(0, ".")
    run_blocks(blocks_of(page.read_text()), name=str(page), port=int(sys.argv[2]))
