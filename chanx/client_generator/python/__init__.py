"""A document's protocol as a Python package.

Protocol ─> package_of() ─> Package (what is called what, and where it stands) ─> templates ─> OutputDirectory
"""

from chanx.utils.extras import need

need("websockets", extra="cli")  # the runtime, whose names generated methods must not have, imports it
