"""Where our code logs something."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def logging_calls() -> Iterator[tuple[str, set[str]]]:
    """The event and the keys of every call of a module's log. Each event's name must be a constant."""
    for source in ROOT.glob("*/pat_*/**/*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
                and node.func.attr in ("info", "warning", "error")
            ):
                (event,) = node.args
                assert isinstance(event, ast.Constant), (
                    f"{source}:{node.lineno}: an event's name is a constant"
                )
                yield str(event.value), {str(keyword.arg) for keyword in node.keywords}
