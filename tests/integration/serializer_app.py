"""A worker whose tasks take and return Pydantic models; some processes do not know all of them."""

import os
from typing import Any

from celery import Celery
from pydantic import BaseModel

from chanx.bridge import JobTask, install

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")


class Item(BaseModel):
    name: str
    price: float


class Invoice(BaseModel):
    number: int
    items: list[Item] = []


class Unknown(BaseModel):
    """Registered by the test's own process only."""

    x: int = 0


app = Celery("serializer_app", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)
bridge = install(app, store=URL, models=[Invoice, Item])


@app.task(bind=True, base=JobTask)
def add_item(self: Any, invoice: Invoice, *, items: dict[str, Item]) -> Invoice:
    return invoice.model_copy(update={"items": [*invoice.items, *items.values()]})


@app.task
def total(invoice: Invoice) -> dict[str, Any]:
    return {"invoice": invoice, "total": sum(item.price for item in invoice.items)}


@app.task
def answer_unknown() -> Unknown:
    return Unknown(x=1)
