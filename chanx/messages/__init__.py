"""Pydantic messages: the base class, and the ones chanx itself sends and understands."""
