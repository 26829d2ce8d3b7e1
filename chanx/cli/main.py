"""The command ``chanx``: its subcommands, each loaded only when it is asked for.

chanx asyncapi         the document of a Django project or a FastAPI application
chanx generate-client  a typed client of a document
chanx diff             what changed between two documents
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from chanx.errors import ChanxError

_COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "asyncapi": ("chanx.cli.asyncapi", "asyncapi"),
    "diff": ("chanx.cli.diff", "diff"),
    "generate-client": ("chanx.cli.generate_client", "generate_client"),
}


class Commands(click.Group):
    """The subcommands by name; an error of chanx's ends each with its text and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ChanxError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chanx")
def cli() -> None:
    """AsyncAPI documents of WebSocket consumers, and typed clients for them."""
