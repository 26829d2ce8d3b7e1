"""A person on the site without a browser: signs in, uploads a file, has the cookies for a WebSocket."""

import re
from pathlib import Path
from typing import Self

import httpx

from tests.acceptance.stack import Stack


class Visitor(httpx.Client):
    """An HTTP client of the site; within ``with`` it has that user's session."""

    def __init__(self, stack: Stack, name: str) -> None:
        super().__init__(base_url=stack.url, timeout=30)
        self._name = name

    def __enter__(self) -> Self:
        super().__enter__()
        self.get("/sign-in/")
        self._post("/sign-in/", {"username": self._name, "password": "demo"})
        return self

    @property
    def websocket_headers(self) -> dict[str, str]:
        """What makes a WebSocket handshake this user's."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": cookies}

    def upload(self, path: Path) -> str:
        """Starts a job with a CSV file; returns the job's id."""
        answer = self._post("/start/upload/", {}, path)
        found = re.fullmatch("/jobs/([^/]+)/", answer.headers["Location"])
        assert found, answer.headers["Location"]
        return found[1]

    def sign_out(self) -> None:
        """Ends the session, also for connections that are open."""
        self._post("/sign-out/", {})

    def _post(self, url: str, data: dict[str, str], path: Path | None = None) -> httpx.Response:
        files = None if path is None else {"file": (path.name, path.read_bytes(), "text/csv")}
        form = {**data, "csrfmiddlewaretoken": self.cookies["csrftoken"]}
        answer = self.post(url, data=form, files=files, headers={"Referer": str(self.base_url)})
        assert answer.status_code == 302, answer.text
        return answer
