"""The consumers on FastAPI, Starlette and every other ASGI framework, by way of fast-channels."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from chanx.utils.extras import need

if TYPE_CHECKING:
    from chanx.fast_channels.views import asyncapi_docs as asyncapi_docs
    from chanx.fast_channels.views import asyncapi_spec_json as asyncapi_spec_json
    from chanx.fast_channels.views import asyncapi_spec_yaml as asyncapi_spec_yaml

need("fast_channels", extra="fast-channels")

_VIEWS: Final = ("asyncapi_docs", "asyncapi_spec_json", "asyncapi_spec_yaml")


def __getattr__(name: str) -> Any:
    if name in _VIEWS:  # they bring what makes documents, for which a consumer has no use
        return getattr(import_module("chanx.fast_channels.views"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
