"""The command ``chanx``: its subcommands, each loaded only when it is asked for.

chanx asyncapi         the document of a Django project or a FastAPI application
chanx generate-client  a typed client of a document
chanx diff             what changed between two documents
chanx doctor           what is wrong with a project's set-up
chanx jobs             a project's jobs: list, show, watch, cancel
chanx relay            does what workers on the event bus tell
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import click

from chanx.errors import ChanxError

_COMMANDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "asyncapi": ("chanx.cli.asyncapi", "asyncapi", "Write a project's AsyncAPI document."),
    "diff": ("chanx.cli.diff", "diff", "Name what changed from one AsyncAPI document to another."),
    "doctor": ("chanx.cli.doctor", "doctor", "Say what is wrong with a project's set-up."),
    "generate-client": (
        "chanx.cli.generate_client",
        "generate_client",
        "Write a typed client for an AsyncAPI document.",
    ),
    "jobs": ("chanx.cli.jobs", "jobs", "List, show, watch and cancel a project's jobs."),
    "relay": ("chanx.cli.relay", "relay", "Relay what workers on the event bus tell."),
}
"""By name: where the command is, and the line about it in the help, which loads none of them."""


class Commands(click.Group):
    """The subcommands by name; an error of chanx's ends each with its text and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, sorted."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None if there is none of that name."""
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of them in the help."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (*_, line) in sorted(_COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except ChanxError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="chanx")
def cli() -> None:
    """Documents and typed clients of WebSocket consumers, and the running of jobs."""
