"""What may go wrong at a command line."""

from typing import IO, Any

import click


class Trouble(click.ClickException):
    """Something that is expected to go wrong at times: ends the program with one sentence."""

    exit_code = 1

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the sentence to stderr, as the start script does."""
        click.echo(f"pat: {self.format_message()}", file=file, err=file is None)


def warn(sentence: str) -> None:
    """Tell something beside the result, on stderr."""
    click.echo(f"pat: {sentence}", err=True)
