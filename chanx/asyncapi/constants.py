"""What a document says where nobody says otherwise."""

from typing import Final

ASYNCAPI_VERSION: Final = "3.0.0"

DEFAULT_ASYNCAPI_TITLE: Final = "AsyncAPI Documentation"
DEFAULT_ASYNCAPI_VERSION: Final = "1.0.0"
DEFAULT_SERVER_URL: Final = "localhost:8000"
DEFAULT_SERVER_PROTOCOL: Final = "ws"
