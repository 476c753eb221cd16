"""Case and survivor codes: random, so that a code tells neither who, nor when, nor how many."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U."""

CHECKS = ALPHABET + "*~$=U"
"""The symbols of Crockford's check, a number modulo 37."""


def new_code() -> str:
    """Eight random characters and the check of a slip of the pen, as ``K7QM-2XPA-T``: 40 bits.

    Codes are written on paper and read over the telephone, so those whose check is no letter or digit are passed over.
    """
    while True:
        body = "".join(secrets.choice(ALPHABET) for _ in range(8))
        check = check_symbol(body)
        if check in ALPHABET:
            return f"{body[:4]}-{body[4:]}-{check}"


def check_symbol(body: str) -> str:
    """Crockford's check symbol: every wrong character and every swap of two neighbours changes it."""
    number = 0
    for character in body:
        number = number * 32 + ALPHABET.index(character)
    return CHECKS[number % 37]
