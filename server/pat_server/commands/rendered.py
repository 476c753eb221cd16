"""Files of the checkout that are rendered from code: printed, written, or compared."""

import difflib
from pathlib import Path

import click

from pat_server.commands.home import CHECKOUT
from pat_server.commands.trouble import Trouble

LONGEST_DIFFERENCE = 40


def handle(path: Path, rendered: str, *, command: str, is_written: bool, is_checked: bool) -> None:
    """Write the file, or compare it, or else print what it should hold.

    Raises Trouble if the comparison finds a difference, a UsageError if both are asked for.
    """
    if is_written and is_checked:
        raise click.UsageError("--write and --check exclude each other.")
    name = path.relative_to(CHECKOUT)
    if is_written:
        path.write_text(rendered, encoding="utf-8")
        click.echo(f"{name} is written.")
    elif is_checked:
        _check(
            path,
            rendered,
            f"{name} is not what the code says: run `{command} --write` and read the difference.",
        )
        click.echo(f"{name} is what the code says.")
    else:
        click.echo(rendered, nl=False)


def _check(path: Path, rendered: str, sentence: str) -> None:
    stored = path.read_text(encoding="utf-8") if path.exists() else ""
    if stored == rendered:
        return
    lines = difflib.unified_diff(
        stored.splitlines(), rendered.splitlines(), "in the file", "from the code", lineterm="", n=1
    )
    shown = list(lines)
    for line in shown[:LONGEST_DIFFERENCE]:
        click.echo(line)
    if len(shown) > LONGEST_DIFFERENCE:
        click.echo(f"… and {len(shown) - LONGEST_DIFFERENCE} more lines")
    raise Trouble(sentence)
