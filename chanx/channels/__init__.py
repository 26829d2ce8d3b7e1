"""The consumers on Django Channels."""

from chanx.utils.extras import need

need("channels", extra="channels")
