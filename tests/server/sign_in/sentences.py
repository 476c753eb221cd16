"""Every sentence that a page may show, found in its templates and beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from babel.messages.extract import extract_from_dir, extract_from_file

from pat_server import access_words
from pat_server.sign_in import pages

FOLDER = Path(pages.__file__).parent
METHODS = [("**.py", "python"), ("**.html", "jinja2")]


def sentences() -> Iterator[tuple[str, str]]:
    """Each in English, with where it stands."""
    found = extract_from_dir(FOLDER, METHODS, keywords={"t": None, "noop": None})
    beside = Path(access_words.__file__)
    words = extract_from_file("python", beside, keywords={"noop": None})
    for file, line, message, *_ in (*found, *((beside.name, *each) for each in words)):
        assert isinstance(message, str)
        yield message, f"{file}:{line}"
