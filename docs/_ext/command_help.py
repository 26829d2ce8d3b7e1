"""The directive ``command-help``: what a command says of itself, as it is when the site is built."""

from __future__ import annotations

from typing import Any

from click.testing import CliRunner
from django.core.management import get_commands, load_command_class
from docutils import nodes  # type: ignore[import-untyped]  # it has no types
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from chanx.cli.main import cli

_WIDTH = 88


def help_of_chanx(*names: str) -> str:
    """What ``chanx NAMES --help`` prints."""
    done = CliRunner().invoke(cli, [*names, "--help"], prog_name="chanx", terminal_width=_WIDTH)
    if done.exit_code != 0:
        raise LookupError(f"chanx {' '.join(names)}: {done.output}")
    return done.output


def help_of_manage(name: str) -> str:
    """The help of ``manage.py NAME``, with the options that are its own."""
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
    return parser.format_help()


class CommandHelp(SphinxDirective):
    """``command-help chanx diff`` or ``command-help manage.py chanx_purge_jobs``."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        program, *names = self.arguments[0].split()
        text = help_of_chanx(*names) if program == "chanx" else help_of_manage(*names)
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
