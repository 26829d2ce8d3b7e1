"""What the demo consists of: its data, its environment and its processes.

::

    embedded server <- Celery worker (example_worker)
                    <- Daphne (example_site.asgi) <- browser
"""

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from chanx.errors import ConfigurationError
from chanx.testing.redis_server import redis_server
from chanx.testing.tied_process import tied
from example_site.demo.side_by_side import DemoProcess, run_side_by_side

_ROOT = Path(__file__).parents[2]
_READY = "Open {url} and sign in as ada / demo (or grace / demo). Ctrl-C stops everything."


def run_demo(port: int) -> int:
    """Run the demo with its site on 127.0.0.1:``port`` until it is stopped; the exit code.

    Raises ``ConfigurationError`` if the port is taken, the server cannot be had or the database cannot be prepared.
    """
    check_port(port)
    with redis_server() as server:
        print(f"Server: {server.url} ({server.origin})", flush=True)
        environment = demo_environment(server.url)
        for command in (["migrate", "--verbosity", "0", "--no-input"], ["create_demo_users"]):
            _manage(command, environment)
        return run_side_by_side(demo_processes(port), environment=environment, directory=_ROOT)


def demo_environment(redis_url: str) -> dict[str, str]:
    """The environment of all the demo's processes. EXAMPLE_DATA_DIR and EXAMPLE_UPLOAD_DIR are kept if they are set."""
    data = Path(os.environ.get("EXAMPLE_DATA_DIR") or _ROOT / "example_site" / "var").resolve()
    uploads = Path(os.environ.get("EXAMPLE_UPLOAD_DIR") or data / "uploads").resolve()
    uploads.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "CHANX_REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "example_site.settings",
        "EXAMPLE_DATA_DIR": str(data),
        "EXAMPLE_UPLOAD_DIR": str(uploads),
        "PYTHONUNBUFFERED": "1",
    }


def demo_processes(port: int) -> list[DemoProcess]:
    """The processes that run side by side; the site's URL is printed once it answers."""
    url = f"http://127.0.0.1:{port}/"
    python = (sys.executable, "-m")
    celery = (*python, "celery", "--quiet", "--app", "example_worker")
    worker = (*celery, "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-mingle", "--without-gossip")
    daphne = (*python, "daphne", "--verbosity", "0")  # no line for every file that a page consists of
    site = (*daphne, "--bind", "127.0.0.1", "--port", str(port), "example_site.asgi:application")
    return [
        DemoProcess("worker", worker, restart=True),
        DemoProcess("site", site, ready_url=url, ready_text=_READY.format(url=url)),
    ]


def check_port(port: int) -> None:
    """Raise ``ConfigurationError``, which names the way out, if another program listens on 127.0.0.1:``port``."""
    if _is_free(port):
        return
    free = next((other for other in range(port + 1, port + 100) if _is_free(other)), port + 100)
    raise ConfigurationError(f"Port {port} is taken by another program. Use another one: make demo PORT={free}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the server will do it: connections of the last run in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise ConfigurationError(
                f"Port {port} cannot be used: {error.strerror}. Try: make demo PORT=8001"
            ) from error
    return True


def _manage(command: list[str], environment: Mapping[str, str]) -> None:
    argv = tied([sys.executable, "-m", "example_site", *command])
    if subprocess.run(argv, env=environment, cwd=_ROOT, check=False).returncode:
        data = environment["EXAMPLE_DATA_DIR"]
        raise ConfigurationError(f"`{command[0]}` failed; the reason is above. The data is in {data}.")
