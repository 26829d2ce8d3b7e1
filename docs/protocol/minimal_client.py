"""Follows one job over any number of lost connections; nothing of chanx, only the protocol.

python minimal_client.py ws://localhost:8000/ws/jobs/ JOB_ID
"""

import asyncio
import itertools
import json
import random
import sys
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.typing import Origin

Frame = dict[str, Any]

ENDS = {"job_succeeded", "job_failed", "job_cancelled"}
ENDED_STATES = {"succeeded", "failed", "cancelled"}
ACK_EVERY = 100


class Refused(Exception):
    """The client may not have the job."""


class JobView:
    """What a client knows of a job. No I/O: it takes frames, and returns those that are to be sent."""

    def __init__(self, job_id: str, token: str | None = None) -> None:
        self.topic = f"job:{job_id}"
        self.token = token
        self.epoch: str | None = None
        self.start = 0  # the first of `events` is the one after this number
        self.seq = 0  # of the last of them
        self.events: list[Frame] = []
        self.fields: Frame = {}  # of the last snapshot, with what was newer since
        self.has_ended = False
        self.needs_subscribe = False  # after a while
        self._refs = itertools.count(1)
        self._asked: str | None = None  # the `ref` of the last `subscribe`
        self._acknowledged = 0
        self._rev = 0  # of the last snapshot
        self._revs: dict[str, int] = {}  # of each action since

    def subscribe(self) -> Frame:
        """What to send on a new connection, and again where `needs_subscribe`."""
        self._asked, self.needs_subscribe = str(next(self._refs)), False
        payload: Frame = {} if self.token is None else {"token": self.token}
        if self.epoch is not None:
            payload |= {"epoch": self.epoch, "after": self.seq}
        return {"topic": self.topic, "ref": self._asked, "action": "subscribe", "payload": payload}

    def take(self, frame: Frame) -> list[Frame]:
        """Take a frame of the server. Raises `Refused`."""
        if frame.get("topic") != self.topic:
            return []
        action, payload, ref = frame["action"], frame["payload"], frame.get("ref")
        if action in ("subscribed", "error") and ref not in (None, self._asked):
            return []  # it answers a question of before
        if action == "error":
            self._refused(payload, is_answer=ref is not None)
        elif action == "subscribed":
            self._begin(**payload)
        elif "seq" in frame:
            return self._event(frame)
        elif frame.get("rev", 0) > max(self._rev, self._revs.get(action, 0)):
            self._revs[action] = frame["rev"]
            self.fields[action] = payload
        return []

    def _begin(self, epoch: str, seq: int, recovered: bool, snapshot: Frame) -> None:
        if not recovered or epoch != self.epoch:
            self.start = self.seq = snapshot["oldest"] - 1
            self.events = []
        self.epoch = epoch
        self._acknowledged = self.seq
        self.fields = snapshot["fields"]
        self._rev, self._revs = snapshot["rev"], {}
        self.has_ended = snapshot["state"] in ENDED_STATES and self.seq == seq

    def _event(self, event: Frame) -> list[Frame]:
        if event["seq"] != self.seq + 1:
            self.needs_subscribe = event["seq"] > self.seq  # never, but one cannot know
            return []
        self.seq += 1
        self.events.append(event)
        self.has_ended = event["action"] in ENDS
        if self.seq - self._acknowledged < ACK_EVERY:
            return []
        self._acknowledged = self.seq
        return [{"topic": self.topic, "action": "ack", "payload": {"seq": self.seq}}]

    def _refused(self, payload: Frame | list[Frame], *, is_answer: bool) -> None:
        reason = payload.get("reason") if isinstance(payload, dict) else "a list of what is wrong"
        if is_answer and reason in ("unauthorized", "unknown_topic"):
            raise Refused(reason)
        if reason == "invalid_position":
            self.epoch = None
        self.needs_subscribe = True


async def follow(url: str, view: JobView, *, longest_wait: float = 15.0) -> None:
    """Keep `view` up to date until the job has ended. Raises `Refused`."""
    site, wait = urlsplit(url), min(0.5, longest_wait)
    origin = Origin(f"{site.scheme.replace('ws', 'http')}://{site.netloc}")
    while not view.has_ended:
        try:
            async with connect(url, origin=origin) as socket:
                await socket.send(json.dumps(view.subscribe()))
                async for text in socket:
                    for answer in view.take(json.loads(text)):
                        await socket.send(json.dumps(answer))
                    if view.needs_subscribe or view.has_ended:
                        break
                    wait = min(0.5, longest_wait)
        except InvalidStatus as refused:
            if refused.response.status_code == 403:
                raise Refused("The site does not let us in.") from refused
        except (OSError, WebSocketException):
            pass
        if not view.has_ended:
            await asyncio.sleep(wait * random.uniform(0.5, 1))
            wait = min(2 * wait, longest_wait)


if __name__ == "__main__":
    view = JobView(sys.argv[2])
    asyncio.run(follow(sys.argv[1], view))
    sys.stdout.writelines(f"{event['seq']} {event['action']} {event['payload']}\n" for event in view.events)
