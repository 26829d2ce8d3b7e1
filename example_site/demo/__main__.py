"""``python -m example_site.demo``: what ``make demo`` runs."""

import argparse
import signal
import sys

from chanx.errors import ConfigurationError
from example_site.demo.demo import run_demo


def main() -> int:
    """Run the demo until Ctrl-C or SIGTERM, which is its normal end (0)."""
    parser = argparse.ArgumentParser(prog="python -m example_site.demo", description="Run site, worker and server.")
    parser.add_argument("--port", type=int, default=8000, help="the site's port on 127.0.0.1 (default: 8000)")
    port = parser.parse_args().port
    # Until the process manager takes over, a signal shall end us the orderly way too.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        return run_demo(port)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
