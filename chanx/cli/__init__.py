"""The command line, ``chanx``."""

from chanx.utils.extras import need

need("click", extra="cli")
