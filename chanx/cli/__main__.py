"""``python -m chanx.cli``: the command ``chanx`` where its script is not on the path."""

from chanx.cli.main import cli

if __name__ == "__main__":
    cli(prog_name="chanx")
