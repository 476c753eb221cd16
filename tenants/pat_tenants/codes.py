"""Case and survivor codes: random, so that a code tells neither who, nor when, nor how many."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""


def new_code() -> str:
    """Eight random characters and one that catches a slip of the pen, as ``K7QM-2XPA-T``: 40 bits."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"{body[:4]}-{body[4:]}-{check_character(body)}"


def check_character(body: str) -> str:
    """The check character of eight characters: their weighted sum modulo 31, so that one wrong or two swapped are seen."""
    total = sum((position + 1) * ALPHABET.index(character) for position, character in enumerate(body))
    return ALPHABET[total % 31]
