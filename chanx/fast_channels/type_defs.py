"""What may be said about the AsyncAPI document of an application."""

from typing import TypedDict


class AsyncAPIConfig(TypedDict, total=False):
    """Whatever is missing or None comes from the application and the request.

    ``server_url``: a host, or ``wss://example.com``. ``camelize``: whether the keys of messages are camelCase on the
    wire of consumers that do not say so themselves. ``react_component_url``: where the files of the npm package
    ``@asyncapi/react-component`` are, to have the documentation page on it instead of chanx's own.
    """

    title: str | None
    version: str | None
    description: str | None
    server_url: str | None
    server_protocol: str | None
    camelize: bool | None
    react_component_url: str | None
