"""A task that sends events at a steady pace, each with the time it was sent at: what the latency benchmark watches."""

import time
from typing import Any, Literal

from celery import shared_task
from pydantic import BaseModel

from chanx.bridge import JobEvent, JobTask


class SentPayload(BaseModel):
    at_ms: float  # milliseconds since the epoch, by this machine's clock


class Sent(JobEvent):
    action: Literal["sent"] = "sent"
    payload: SentPayload


@shared_task(bind=True, base=JobTask, name="benchmarks.paced")
def paced(self: Any, per_second: int, seconds: float) -> dict[str, float]:
    """Returns how many events it sent and how long that took."""
    count = round(per_second * seconds)
    began = time.perf_counter()
    for i in range(count):
        wait = began + i / per_second - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        self.job.emit(Sent(payload=SentPayload(at_ms=time.time() * 1000)))
    return {"events": count, "seconds": time.perf_counter() - began}
