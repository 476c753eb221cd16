"""Rows in columns, for people."""

from collections.abc import Iterable, Sequence


def aligned(rows: Iterable[Sequence[str]], header: Sequence[str] | None = None) -> list[str]:
    """The rows as lines, each column as wide as its widest cell; the header, if any, in front."""
    every = [tuple(row) for row in rows]
    if header:
        every.insert(0, tuple(header))
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in every
    ]
