"""From class names to the names used in documents and generated methods."""

import re

_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINTS = re.compile(r"(?<=[^_])_+([^_])")


def snake_case(name: str) -> str:
    """``MyHTTPConsumer`` as ``my_http_consumer``; a name with several capitals in a row is one word up to the last."""
    return _WORD_STARTS.sub("_", name).lower()


def consumer_name(class_name: str) -> str:
    """A consumer's name: that of its class without a trailing ``Consumer``."""
    return class_name.removesuffix("Consumer") or class_name


def consumer_snake_name(class_name: str) -> str:
    """``MyWebSocketConsumer`` as ``my_web_socket``."""
    return snake_case(consumer_name(class_name))


def camel_case(name: str) -> str:
    """``user_name`` as ``userName``; a leading underscore and a name all in capitals (``URL``) stay."""
    if name.isupper():
        return name
    start = name if name[:2].isupper() else name[:1].lower() + name[1:]
    return _JOINTS.sub(lambda match: match[1].upper(), start)
