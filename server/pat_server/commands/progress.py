"""How far a long piece of work is: a bar on a terminal, else a line for each step."""

import shutil
import sys
from types import TracebackType
from typing import Self, TextIO

WIDTH = 24


class Progress:
    """Tells on stderr what goes on. A step has a share of the whole; within a step the work may tell how far it is."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._is_terminal = self._stream.isatty()
        self._begin = 0.0
        self._share = 0.0
        self._text = ""

    def step(self, text: str, share: float) -> None:
        """Begin the next step, which takes about this share (0 to 1) of the whole."""
        self._begin = min(1.0, self._begin + self._share)
        self._share = share
        self._text = text
        if self._is_terminal:
            self._draw(0.0, "")
        else:
            print(f"pat: {text} …", file=self._stream, flush=True)

    def within(self, detail: str, done: float) -> None:
        """Tell what the step is at, and how far (0 to 1) it is; only a terminal shows it."""
        if self._is_terminal:
            self._draw(min(1.0, max(0.0, done)), detail)

    def clear(self) -> None:
        """Take the bar away, so that other text can follow."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self, done: float, detail: str) -> None:
        whole = min(1.0, self._begin + self._share * done)
        filled = round(whole * WIDTH)
        bar = "█" * filled + "░" * (WIDTH - filled)
        text = f"{bar} {whole:4.0%}  {self._text}{': ' if detail else ''}{detail}"
        columns = shutil.get_terminal_size().columns
        self._stream.write(f"\r{text[: columns - 1]}\x1b[K")
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.clear()
