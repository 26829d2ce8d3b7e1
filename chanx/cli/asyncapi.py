"""``chanx asyncapi``: the document of a Django project or a FastAPI application."""

import click


@click.command()
def asyncapi() -> None:
    """Write the AsyncAPI document of a Django project or a FastAPI application."""
