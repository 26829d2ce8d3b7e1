"""An example worker: profiles CSV files and runs commands, and tells a browser all about it while it does."""

from example_worker.app import app

__all__ = ["app"]
