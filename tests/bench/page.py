"""docs/performance.md: its measured parts are written by the commands that measure, each between two marks."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.report import table, table_of_peers

PAGE = Path(__file__).resolve().parents[2] / "docs" / "performance.md"


def write(name: str, command: Sequence[str], body: str, page: Path = PAGE) -> None:
    """Put what was measured in its place on the page. Raises ValueError if the page has no such place."""
    text = page.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{page.name} has no place for {name}")
    page.write_text(f"{before}{begin}\n{source(command)}\n\n{body}\n\n{end}{after}")


def quoted(printed: str) -> str:
    """What a report printed: a table as it is, anything else as text."""
    return printed if printed.startswith("|") else f"```text\n{printed}\n```"


def source(command: Sequence[str]) -> str:
    """Where figures come from: the command, without where else it wrote them, the day and the machine."""
    words = re.sub(r" --json[ =]\S+", "", "".join(f" {word}" for word in command))
    day = datetime.now(UTC).strftime("%d %B %Y").lstrip("0")
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    return f"`python3 pat bench{words}`, {day}, {machine}."


def comparison(report: Mapping[str, Any]) -> str:
    """The tables of one run, with a plot under each."""
    operations = report["operations"]
    parts = [
        table(report),
        plot("engine ÷ floor, requests in a second", operations, lambda each: each["ratio"]),
    ]
    peers = sorted({name for each in operations.values() for name in each["times"]})
    if peers:
        parts.append(table_of_peers(report))
    for name in peers:
        measured = {letter: each for letter, each in operations.items() if name in each["times"]}
        parts.append(plot(f"engine ÷ {name}", measured, lambda each, name=name: each["times"][name]["ratio"]))
    return "\n\n".join(parts)


def plot(title: str, operations: Mapping[str, Any], value: Any) -> str:
    """A bar for each operation, in the language of Mermaid."""
    values = [value(each) for each in operations.values()]
    top = max(1.0, *values) * 1.1
    return "\n".join(
        [
            "```mermaid",
            "xychart-beta",
            f'  title "{title}"',
            f"  x-axis [{', '.join(operations)}]",
            f'  y-axis "times" 0 --> {top:.2f}',
            f"  bar [{', '.join(f'{each:.2f}' for each in values)}]",
            "```",
        ]
    )
