"""A document's protocol as a Python package.

Protocol ─> package_of() ─> Package (what is called what, and where it stands) ─> templates ─> OutputDirectory
"""
