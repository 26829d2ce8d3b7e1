"""An event loop in a thread of its own, for synchronous code that needs one."""

from __future__ import annotations

import asyncio
import threading


class BackgroundLoop:
    """``loop`` runs in a daemon thread until ``close``."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="chanx-publisher", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Cancel what still runs, close the loop (channels_redis closes its connections with it), end the thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self._cancel_tasks()
            self.loop.close()

    def _cancel_tasks(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
