"""``chanx generate-client``: a typed client of a document."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from chanx.client_generator.formatting import default_formatter, run_formatter
from chanx.client_generator.generator import LANGUAGES, ClientGenerator, Language
from chanx.client_generator.json_schema import mapping
from chanx.client_generator.writing import Written
from chanx.errors import DocumentNotFoundError


@click.command("generate-client")
@click.option("-s", "--schema", required=True, help="The AsyncAPI document: a file or a URL, JSON or YAML.")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The directory of the client: empty, or with an older one.",
)
@click.option(
    "--lang", type=click.Choice(LANGUAGES), default="python", show_default=True, help="What the client is written in."
)
@click.option(
    "-f",
    "--formatter",
    help='A command that gets the names of the generated files ("black -q"); by default ruff format, if there is ruff.',
)
@click.option("--no-format", is_flag=True, help="Leave the files as they are.")
@click.option("--no-readme", is_flag=True, help="Write no README.md.")
@click.option("--clear-output", is_flag=True, help="Delete everything in the directory first, your own files too.")
@click.option("--override-base", is_flag=True, help="Replace files of base/ even where you have edited them.")
@click.option(
    "--no-clear-channels", is_flag=True, help="Keep the files of channels that are no longer in the document."
)
def generate_client(
    schema: str,
    output: Path,
    lang: str,
    formatter: str | None,
    no_format: bool,
    no_readme: bool,
    clear_output: bool,
    override_base: bool,
    no_clear_channels: bool,
) -> None:
    """Write a typed client for an AsyncAPI document.

    Run it again when the document has changed: what you have added to the directory stays.
    """
    language = cast("Language", lang)
    try:
        generator = ClientGenerator(
            schema,
            output,
            generate_readme=not no_readme,
            clear_output=clear_output,
            override_base=override_base,
            clear_channels=not no_clear_channels,
            language=language,
        )
        written = generator.generate()
    except DocumentNotFoundError as error:
        raise click.ClickException(f"File not found: {schema}") from error
    except OSError as error:
        raise click.ClickException(f"The client was not written: {error}") from error
    command = None if no_format else formatter or default_formatter(language)
    if command is not None:
        files = [file for file in written.files if file not in written.kept]
        for line in run_formatter(command, output, files, language=language):
            click.echo(line)
    _tell(generator, written)


def _tell(generator: ClientGenerator, written: Written) -> None:
    schema, protocol, output = generator.schema, generator.protocol, generator.output_dir
    for file in written.kept:
        click.echo(f"Kept as you edited it: {output / file} (--override-base replaces it)")
    for file, saved in written.saved.items():
        click.echo(f"You had edited {output / file}: your version is now {output / saved}")
    for file in written.removed:
        click.echo(f"Removed: {output / file}")
    click.echo(f"Client generated successfully! It is in {output}.")
    click.echo(protocol.title)
    click.echo(f"Version: {protocol.version}")
    click.echo(f"Channels: {len(mapping(schema.get('channels')))}")
    click.echo(f"Operations: {len(mapping(schema.get('operations')))}")
    click.echo(f"Schemas: {len(mapping(mapping(schema.get('components')).get('schemas')))}")
