"""``chanx generate-client``: a typed client of a document."""

import click


@click.command("generate-client")
@click.option("-s", "--schema", required=True, help="The AsyncAPI document: a file or a URL, JSON or YAML.")
@click.option("-o", "--output", required=True, help="The directory to write to.")
def generate_client(schema: str, output: str) -> None:
    """Write a typed client for an AsyncAPI document."""
