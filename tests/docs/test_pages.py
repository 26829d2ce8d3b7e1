"""The reading of pages, the parsers and the runner: each finds what it is for."""

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs.checkers import CHECKERS, commands
from tests.docs.pages import DOCS, Block, blocks_of, run_by
from tests.docs.run_page import run_blocks

PAGE = """\
# A page
<!-- samples: tests/docs/test_this.py -->

```python
a = 1
```

```{code-block} python
:caption: shop/tasks.py

b = 2
```

- ```js
  let c
  ```

````{tip}
:class: wide
```bash
ls
```
````

<!-- sample
assert a
-->

<!-- sample js
c = 1
-->

```{toctree}
other
```
"""


def test_a_page_has_blocks() -> None:
    assert blocks_of(PAGE) == [
        Block("python", "a = 1\n", 5),
        Block("python", "b = 2\n", 11, "shop/tasks.py"),
        Block("js", "let c\n", 15),
        Block("bash", "ls\n", 21),
        Block("python", "assert a\n", 26),
        Block("js", "c = 1\n", 30),
    ]
    lines = PAGE.splitlines()
    assert all(lines[block.line - 1].strip() == block.code.strip() for block in blocks_of(PAGE))


def test_a_page_can_name_its_test() -> None:
    assert run_by(PAGE) == "tests/docs/test_this.py"
    assert run_by("# A page\n") is None


@pytest.mark.parametrize(
    ("language", "right", "wrong"),
    [
        ("bash", "ls | wc", "if true"),
        ("console", "$ ls\na  b", "ls"),
        ("html", "{% load static %}<p><img src=\"{% static 'a.png' %}\"></p>", "<p><b></p></b>"),
        ("html", "{{ job_id }}", "{% if job %}"),
        ("ini", "[a]\nb = c", "b = c"),
        ("js", "const a = await b();", "const = 1"),
        ("json", "{}", "{'a': 1}"),
        ("python", "await a()", "a b"),
        ("toml", "a = 1", "a = b"),
        ("ts", "const a: number = await b();", "const a: = 1"),
        ("yaml", "a: [b]", "a: [b"),
    ],
)
def test_parsers(language: str, right: str, wrong: str) -> None:
    assert CHECKERS[language](right) == ""
    assert CHECKERS[language](wrong) != ""


def test_the_commands_of_a_console() -> None:
    typed = "$ echo a \\\n    b\na b\n$ ls\n"

    assert commands(typed) == ["echo a \\\n    b", "ls"]


def test_blocks_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = """\
        ```{code-block} text
        :caption: shop/at.txt
        redis://localhost:6379/0
        ```
        ```python
        import asyncio
        loop = await asyncio.sleep(0, asyncio.get_running_loop())
        ```
        ```python
        assert await asyncio.sleep(0, asyncio.get_running_loop()) is loop
        ```
        """

    run_blocks(blocks_of(dedent(page)), name="page.md", port=1234)

    assert (tmp_path / "shop" / "at.txt").read_text() == "redis://127.0.0.1:1234/0\n"


def test_the_page_that_tells_the_rules_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (example,) = [block for block in _blocks_of("contributing.md") if block.language == "markdown"]

    run_blocks(blocks_of(example.code), name="contributing.md", port=1)

    with pytest.raises(AssertionError):
        run_blocks(blocks_of(example.code.replace("== 42", "== 41")), name="contributing.md", port=1)
    del sys.modules["arithmetic"]


def _blocks_of(page: str) -> list[Block]:
    return blocks_of((DOCS / page).read_text())


def test_an_error_has_the_line_of_the_page(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        run_blocks(blocks_of("# A page\n\n```python\na = 0\n1 / a\n```\n"), name="page.md", port=1)

    assert raised.traceback[-1].lineno == 4  # counted from 0
