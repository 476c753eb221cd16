"""What may be recorded about a survivor. Pure decisions."""

from __future__ import annotations

import re

from pat_platform.errors import Refused
from pat_platform.texts import plain

OLDEST = 120
"""Years: nobody is older."""

_LANGUAGE = re.compile(r"[a-z]{2}")


def is_a_birth_year(year: int | None, this_year: int) -> int | None:
    """A year in which somebody alive may have been born, or None. Raises Refused for any other: ages are computed from it."""
    if year is not None and not this_year - OLDEST <= year <= this_year:
        raise Refused("BIRTH_YEAR_INVALID", "Nobody alive was born in that year. Check it.", "birthYear")
    return year


def is_a_language(code: str | None) -> str | None:
    """A code in the form of ISO 639-1, or None. Raises Refused for anything else."""
    if code is not None and not _LANGUAGE.fullmatch(code):
        raise Refused(
            "LANGUAGE_INVALID",
            "Write the language as its two letters (ISO 639-1), such as bn.",
            "primaryLanguage",
        )
    return code


NAME_LIMIT, ADDRESS_LIMIT = 200, 1_000


def is_a_part_of_identity(column: str, text: str) -> str:
    """A name, a number or an address as it may be kept. Raises Refused, as :func:`plain` does."""
    is_address = column == "address"
    field = {"first_name": "firstName", "second_name": "secondName", "birth_date": "birthDate"}.get(
        column, column
    )
    return plain(text, limit=ADDRESS_LIMIT if is_address else NAME_LIMIT, field=field, lines=is_address)
