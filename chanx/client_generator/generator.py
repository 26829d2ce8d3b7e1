"""From a document to the directory of a client.

SchemaLoader ─> protocol_of() ─> write_client() of the language ─> OutputDirectory
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from chanx.client_generator.loader import SchemaLoader
from chanx.client_generator.protocol import Channel, Protocol
from chanx.client_generator.python.client import write_client as write_python
from chanx.client_generator.reading import protocol_of
from chanx.client_generator.typescript.client import write_client as write_typescript
from chanx.client_generator.writing import OutputDirectory, Written
from chanx.errors import ConfigurationError, DocumentError

Language: TypeAlias = Literal["python", "typescript"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Language)

_WRITERS: Final[Mapping[str, Callable[..., None]]] = {"python": write_python, "typescript": write_typescript}


class ClientGenerator:
    """Reads a document, and writes the client for it.

    ``schema_path`` is a file or a URL. ``clear_output`` deletes everything in ``output_dir`` first. Files of the
    runtime (``base/``) that were edited are kept unless ``override_base``; files of channels that are no longer in the
    document are removed unless ``clear_channels`` is false. Files that the user has put there always stay.

    Raises ``DocumentError`` (a ``ValueError``), or ``DocumentNotFoundError`` (a ``FileNotFoundError``), for what cannot
    be read as an AsyncAPI 3 document.
    """

    def __init__(
        self,
        schema_path: str | Path,
        output_dir: str | Path,
        generate_readme: bool = True,
        clear_output: bool = False,
        override_base: bool = False,
        clear_channels: bool = True,
        language: Language = "python",
    ) -> None:
        if language not in _WRITERS:
            raise ConfigurationError(f"There are no clients in {language!r}: choose one of {', '.join(LANGUAGES)}.")
        self.output_dir = Path(output_dir)
        self.generate_readme = generate_readme
        self.clear_output = clear_output
        self.override_base = override_base
        self.clear_channels = clear_channels
        self.language = language
        self.schema: dict[str, Any] = SchemaLoader.load(schema_path)
        with _not_too_deep():
            self.protocol: Protocol = protocol_of(self.schema)

    @property
    def channel_messages(self) -> dict[str, tuple[list[str], list[str]]]:
        """Title of a channel -> names of the messages that a client gets there, and of those that it sends."""
        return {channel.title: (list(channel.received), list(channel.sent)) for channel in self._channels()}

    @property
    def shared_messages(self) -> list[str]:
        """The names of the messages that several channels have."""
        counts = Counter(name for channel in self._channels() for name in {*channel.received, *channel.sent})
        return sorted(name for name, count in counts.items() if count > 1)

    def generate(self) -> Written:
        """Writes the client: all of it, or nothing.

        Raises ``ClientOutputError`` where it may not be written to the directory, and ``OSError`` as writing does.
        """
        out = OutputDirectory(self.output_dir, language=self.language)
        out.check(clear_output=self.clear_output)
        with _not_too_deep():
            _WRITERS[self.language](self.protocol, out, readme=self.generate_readme)
        return out.write(
            clear_output=self.clear_output, override_base=self.override_base, clear_channels=self.clear_channels
        )

    def _channels(self) -> Iterator[Channel]:
        for connection in self.protocol.connections:
            if connection.own is not None:
                yield connection.own
            yield from (topic.channel for topic in connection.topics)


@contextmanager
def _not_too_deep() -> Generator[None, None, None]:
    try:
        yield
    except RecursionError:
        raise DocumentError(
            "The document's schemas are nested too deeply: give inner ones a name in components and refer to them."
        ) from None
