"""Helpers around a connection's scope, the ASGI application and the settings of a project."""
