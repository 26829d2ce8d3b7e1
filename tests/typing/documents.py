"""Documents as projects show them: the types of what they call."""

from typing import assert_type

from fastapi import FastAPI, Request, Response

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.asyncapi.type_defs import AsyncAPIDocument
from chanx.channels.views import AsyncAPIDocsView, AsyncAPISchemaView
from chanx.fast_channels import asyncapi_docs, asyncapi_spec_json, asyncapi_spec_yaml
from chanx.fast_channels.discovery import FastAPIRouteDiscovery
from chanx.fast_channels.type_defs import AsyncAPIConfig

app = FastAPI()

config: AsyncAPIConfig = {"title": "Chat", "server_protocol": "wss", "camelize": True}


@app.get("/asyncapi.json")
async def spec(request: Request) -> Response:
    assert_type(await asyncapi_spec_yaml(request, app, config), Response)
    return await asyncapi_spec_json(request, app)


@app.get("/asyncapi")
async def docs(request: Request) -> Response:
    return await asyncapi_docs(request, app, {"description": None})


class OurDocsView(AsyncAPIDocsView):
    template_name = "ours/docs.html"


views = [AsyncAPISchemaView.as_view(), OurDocsView.as_view()]

generator = AsyncAPIGenerator(FastAPIRouteDiscovery(app).discover_routes(), title="Chat", camelize=True)
document = AsyncAPIDocument.model_validate(generator.generate())
assert_type(document.info.title, str)
