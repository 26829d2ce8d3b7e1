"""The consumers on FastAPI, Starlette and every other ASGI framework, by way of fast-channels."""

from chanx.utils.extras import need

need("fast_channels", extra="fast_channels")
