"""The languages of the pages: which one somebody reads, and what a sentence is in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "bn": "বাংলা", "hi": "हिन्दी"}
"""Each by its tag (BCP 47), under the name that its readers give it. The first is the one that sentences are written in."""

CATALOGUES = Path(__file__).parent / "locales"

Translate = Callable[..., str]
"""A sentence in a language; what it names by ``%(name)s`` is given by keyword."""

_ENGLISH = "en"
_ACCEPTED = re.compile(r"([a-zA-Z]{1,8})(?:-[a-zA-Z0-9-]*)?(?:;q=([01](?:\.[0-9]{0,3})?))?")


def noop(sentence: str) -> str:
    """The sentence itself: it is marked for the catalogues here, and translated where it is shown."""
    return sentence


def choose_language(wanted: Sequence[str], accepted: str) -> str:
    """The tag of the first of our languages among those ``wanted``, else of the one ``accepted`` most (RFC 9110 §12.5.4)."""
    for tag in (*wanted, *_by_preference(accepted)):
        if (language := tag.partition("-")[0].lower()) in LANGUAGES:
            return language
    return _ENGLISH


def _by_preference(accepted: str) -> Iterator[str]:
    parts = (_ACCEPTED.fullmatch(part.strip().replace(" ", "")) for part in accepted[:500].split(","))
    ranked = [(float(found[2] or 1), found[1]) for found in parts if found]
    # Sorting is stable: of equals, the one that was named first.
    yield from (tag for weight, tag in sorted(ranked, key=lambda each: -each[0]) if weight)


def translator(language: str) -> Translate:
    """What translates into a language. A sentence that no catalogue knows stays English."""
    sentences = catalogue(language)

    def translate(sentence: str, **named: object) -> str:
        text = sentences.get(sentence, sentence)
        return text % named if named else text

    return translate


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """The sentences of a language, by what they are in English. Its catalogue is read once."""
    if language == _ENGLISH:
        return {}
    # A server that nobody signs in to does without the library.
    from babel.messages.pofile import read_po

    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        found = read_po(file, locale=language)
    return {
        message.id: message.string
        for message in found
        if isinstance(message.id, str) and isinstance(message.string, str) and message.id and message.string
    }
