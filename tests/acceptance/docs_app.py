"""A FastAPI application under a strict policy, with both documentation pages: chanx's, and that on the React component.

The component itself is a double of a few lines, which has its file names and its one function.
"""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from chanx.fast_channels import asyncapi_docs
from tests.unit.fast_channels import chat_app

POLICY = "default-src 'self'; object-src 'none'"
COMPONENT = """
globalThis.AsyncApiStandalone = {
  render({ schema }, place) {
    place.textContent = `${schema.info.title}: ${Object.keys(schema.channels).join(", ")}`;
  },
};
"""

app = FastAPI()
app.mount("/chat", chat_app.app)


@app.middleware("http")
async def with_policy(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = POLICY
    return response


@app.get("/react-docs")
async def react_docs(request: Request) -> Response:
    return await asyncapi_docs(request, app, {"title": "Whole", "react_component_url": "/component"})


@app.get("/component/browser/standalone/index.js")
async def script() -> Response:
    return Response(COMPONENT, media_type="text/javascript")


@app.get("/component/styles/default.min.css")
async def style() -> Response:
    return Response("", media_type="text/css")
