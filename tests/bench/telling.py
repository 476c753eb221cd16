"""What all reports that measure without a floor have in common: their options, their table, their JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]
Columns = Mapping[str, str]
"""The heading of each key of a row."""


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"pat: {text}", file=sys.stderr, flush=True)


def options(name: str, words: str) -> argparse.ArgumentParser:
    """The options that every report has; ``words`` begins with what it is about."""
    parser = argparse.ArgumentParser(prog=f"pat bench {name}", description=words.partition("\n")[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here, too")
    return parser


def tell(name: str, columns: Columns, rows: Sequence[Row], file: Path | None) -> None:
    """Print the rows as a Markdown table, and write them as JSON where a file is named."""
    if file is not None:
        file.write_text(json.dumps({name: rows}, indent=1) + "\n")
    print(table(columns, rows))


def table(columns: Columns, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [columns.values(), ["---"] * len(columns)]
    cells = [[_cell(row.get(key)) for key in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *cells])


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        if 0 < value < 0.1:
            return f"{value:.4f}"
        return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return str(value)
