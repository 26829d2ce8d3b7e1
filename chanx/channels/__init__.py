"""The consumers on Django Channels."""
