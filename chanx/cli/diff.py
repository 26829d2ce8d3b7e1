"""``chanx diff``: what changed between two documents."""

import click


@click.command()
@click.argument("old")
@click.argument("new")
def diff(old: str, new: str) -> None:
    """Name what changed from the AsyncAPI document OLD to NEW (files or URLs)."""
