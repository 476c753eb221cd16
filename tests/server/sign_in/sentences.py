"""Every sentence that a page may show, found in its templates and beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir

from pat_server.sign_in import pages

FOLDER = Path(pages.__file__).parent
METHODS = [("**.py", "python"), ("**.html", "jinja2")]


def sentences() -> Iterator[tuple[str, str]]:
    """Each in English, with where it stands."""
    found = extract_from_dir(FOLDER, METHODS, keywords={"t": None, "noop": None})
    for file, line, message, *_ in found:
        assert isinstance(message, str)
        yield message, f"{file}:{line}"
