"""Keeps the layers: imports go downward only, never in a circle, and what must be light stays light."""

import ast
import os
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from textwrap import dedent

import grimp
import pytest

_PACKAGE = Path(__file__).parents[1] / "chanx"

# From top to bottom. A module may import from any lower line, and inside its own unit; not from beside or above.
# "|" parts the units of a line; a unit is one package, or several modules that belong together.
# A trailing "!" means the package's own file only, not what is in it.
LINES = """
chanx.cli
chanx! | chanx.bridge! | chanx.channels | chanx.fast_channels | chanx.bridge.contrib | chanx.testing.jobs
chanx.testing | chanx.doctor | chanx.bridge.worker | chanx.bridge.web | chanx.bridge.relay | chanx.client_generator | \
  chanx.bridge.start chanx.bridge.starting chanx.bridge.started
chanx.bridge.installed chanx.bridge.cancelling chanx.bridge.reporter chanx.bridge.scope chanx.bridge.reach \
  chanx.bridge.signal_events chanx.bridge.unread_results chanx.bridge.observer chanx.bridge.lease_watch \
  chanx.bridge.worker_report
chanx.bridge.transports
chanx.asyncapi | chanx.bridge.store
chanx.routing
chanx.core
chanx.type_defs | \
  chanx.bridge.states chanx.bridge.context chanx.bridge.events chanx.bridge.entry chanx.bridge.encoding \
  chanx.bridge.snapshot chanx.bridge.hooks chanx.bridge.serializer chanx.bridge.names chanx.bridge.owner \
  chanx.bridge.closing chanx.bridge.outcome chanx.bridge.canvas chanx.bridge.committed \
  chanx.bridge.outgoing chanx.bridge.watch chanx.bridge.worker_id chanx.bridge.access chanx.bridge.tokens
chanx.messages | chanx.layers | chanx.opentelemetry
chanx.telemetry chanx.metrics
chanx.utils
chanx.errors | chanx.types | chanx.log | chanx.constants
"""

# What importing the module neither loads nor needs.
DJANGO = {"django", "channels", "rest_framework"}
FASTAPI = {"fastapi", "starlette", "fast_channels"}
INDEPENDENT = {
    "chanx": DJANGO | FASTAPI | {"celery", "pydantic"},
    "chanx.bridge": DJANGO | FASTAPI | {"celery"},
    "chanx.bridge.worker": DJANGO | FASTAPI,
    "chanx.bridge.start": DJANGO | FASTAPI,
    "chanx.core.websocket": DJANGO | FASTAPI | {"celery"},
    "chanx.core.topic": DJANGO | FASTAPI | {"celery"},
    "chanx.fast_channels.websocket": DJANGO | {"celery", "redis"},
    "chanx.routing.discovery": DJANGO | FASTAPI | {"celery"},
    "chanx.messages.base": DJANGO | FASTAPI | {"celery"},
    "chanx.layers": DJANGO | FASTAPI | {"celery"},
    "chanx.telemetry": DJANGO | FASTAPI | {"celery", "pydantic", "opentelemetry"},
    "chanx.opentelemetry": DJANGO | FASTAPI | {"celery", "pydantic"},
    "chanx.asyncapi.generator": DJANGO | FASTAPI | {"celery", "jinja2", "yaml"},
    "chanx.asyncapi.serving": DJANGO | FASTAPI | {"celery"},
    "chanx.client_generator.generator": DJANGO | FASTAPI | {"celery"},
    "chanx.client_generator.base": DJANGO | FASTAPI | {"celery", "redis", "jinja2"},
    "chanx.cli.main": DJANGO | FASTAPI | {"celery", "pydantic"},
    "chanx.testing.plugin": DJANGO | FASTAPI | {"celery", "pydantic", "jsonschema"},
    "chanx.testing.jobs": DJANGO | FASTAPI,
    "example_worker": DJANGO | FASTAPI,
    "chanx.testing.redis_server": DJANGO | FASTAPI | {"celery", "redis"},
}


class Place:
    """Where a module stands: its line (higher numbers are higher up) and its unit."""

    def __init__(self, lines: str) -> None:
        self._units: dict[str, tuple[int, str]] = {}
        for number, line in enumerate(reversed(lines.strip().splitlines())):
            for unit in line.split("|"):
                for name in unit.split():
                    self._units[name] = (number, " ".join(unit.split()))

    def of(self, module: str) -> tuple[int, str] | None:
        """Its line and unit, by the longest name in the table that it is, or is inside of; None without one."""
        if place := self._units.get(f"{module}!"):
            return place
        parts = module.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((self._units[name] for name in names if name in self._units), None)


def wrong_imports(graph: grimp.ImportGraph, place: Place) -> list[str]:
    """The imports that do not go downward, as lines to read."""
    wrong: list[str] = []
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            above, below = place.of(importer), place.of(imported)
            if above and below and above[1] != below[1] and above[0] <= below[0]:
                details = graph.get_import_details(importer=importer, imported=imported)
                line = details[0]["line_number"] if details else 0
                wrong.append(f"{importer}:{line} imports {imported}, which is not below it")
    return wrong


def cycle(graph: grimp.ImportGraph) -> list[str]:
    """The modules of one circle of imports, the first repeated at the end; empty if there is none."""
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def imports_inside_functions(source: str) -> list[int]:
    """The numbers of the lines that import from chanx inside a function."""
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    inner = {node for function in functions for node in ast.walk(function)}
    return sorted(node.lineno for node in inner if _imports_chanx(node))


def _imports_chanx(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").split(".")[0] == "chanx"
    return isinstance(node, ast.Import) and any(name.name.split(".")[0] == "chanx" for name in node.names)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """All imports of chanx, those for type checkers included."""
    return grimp.build_graph("chanx", cache_dir=None)


def test_every_module_has_a_place(graph: grimp.ImportGraph) -> None:
    place = Place(LINES)
    assert [module for module in sorted(graph.modules) if place.of(module) is None] == []


def test_imports_go_downward(graph: grimp.ImportGraph) -> None:
    assert wrong_imports(graph, Place(LINES)) == []


def test_no_circle_of_imports(graph: grimp.ImportGraph) -> None:
    assert cycle(graph) == []


def test_no_import_inside_a_function() -> None:
    found = {
        str(file.relative_to(_PACKAGE.parent)): lines
        for file in sorted(_PACKAGE.rglob("*.py"))
        if (lines := imports_inside_functions(file.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize("module", INDEPENDENT)
def test_loads_nothing_heavy(module: str) -> None:
    # kombu loads a bit of Django wherever it is installed: what Celery has loaded by itself does not count.
    celery = "" if "celery" in INDEPENDENT[module] else "import celery.app.task"
    loaded = run_python(
        f"""
        import sys
        {celery}
        before = set(sys.modules)
        import {module}
        print(*(set(sys.modules) - before))
        """
    )
    assert [name for name in sorted(loaded.split()) if name.split(".")[0] in INDEPENDENT[module]] == []


@pytest.mark.parametrize("module", INDEPENDENT)
def test_works_where_nothing_heavy_is_installed(module: str) -> None:
    run_python(
        f"""
        import sys
        sys.modules.update(dict.fromkeys({sorted(INDEPENDENT[module])}))  # None: importing it raises ImportError
        import {module}
        """
    )


def run_python(program: str) -> str:
    """What the program prints; it runs in a fresh interpreter and must succeed."""
    command = [sys.executable, "-c", dedent(program)]
    # Celery loads Django by itself where this is set, and pytest-django sets it.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout


class TestTheChecksThemselves:
    """Each finds what it is for."""

    @pytest.fixture
    def place(self) -> Place:
        return Place("a.web | a.worker\na! | a.core a.more\na.ground")

    @pytest.mark.parametrize(
        ("importer", "imported", "is_wrong"),
        [
            ("a.web.topic", "a.core", False),
            ("a.web.topic", "a.ground", False),
            ("a.web.topic", "a.web.merge", False),
            ("a.core", "a.more", False),
            ("a.web.topic", "a.worker", True),
            ("a.ground", "a.core.deep", True),
            ("a.core", "a", True),
        ],
    )
    def test_wrong_imports(self, place: Place, importer: str, imported: str, is_wrong: bool) -> None:
        graph = grimp.ImportGraph()
        graph.add_import(importer=importer, imported=imported)
        assert bool(wrong_imports(graph, place)) is is_wrong

    def test_a_module_without_a_place(self, place: Place) -> None:
        assert place.of("a.new") is None
        assert place.of("a.corelike") is None
        assert place.of("a.core.deep") == (1, "a.core a.more")
        assert place.of("a") == (1, "a!")

    def test_a_circle(self) -> None:
        graph = grimp.ImportGraph()
        graph.add_import(importer="a.x", imported="a.y")
        assert cycle(graph) == []
        graph.add_import(importer="a.y", imported="a.x")
        assert set(cycle(graph)) == {"a.x", "a.y"}

    def test_an_import_inside_a_function(self) -> None:
        source = """
            import chanx
            class A:
                async def f(self):
                    import json
                    from chanx.core import topic
                    def g():
                        from . import x
            """
        assert imports_inside_functions(dedent(source)) == [6, 8]
