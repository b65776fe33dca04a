"""The command line. Only this room imports typer and rich."""

__all__ = ["main"]


def main() -> None:
    """Run the command line with the arguments of the process."""
    from recallgate.cli.app import app

    app(prog_name="recallgate")
