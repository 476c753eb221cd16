"""Codes to write down: each stands in for a second factor once."""

from __future__ import annotations

import hmac
import unicodedata
from base64 import b32encode
from secrets import token_bytes
from uuid import UUID

from pat_auth.issuer.service import Service
from pat_platform.database.threads import Connection

HOW_MANY = 10
_CODE_BYTES = 10
_CODE_LETTERS = 16
_GROUP = 4
# Letters and digits that are taken for one another; base32 has the ones on the right (RFC 4648, section 6).
_READ_AS = str.maketrans("018", "OIB")


def renew_recovery_codes(connection: Connection, service: Service, person: UUID) -> list[str]:
    """Ten new codes for this person, in groups of four letters; those from before are void. They are kept as keyed hashes alone."""
    connection.execute(
        "update sec.recovery_codes set used_at = %s where person_id = %s and used_at is null",
        (service.clock(), person),
    )
    codes = [b32encode(token_bytes(_CODE_BYTES)).decode() for _ in range(HOW_MANY)]
    connection.cursor().executemany(
        "insert into sec.recovery_codes (person_id, hash) values (%s, %s)",
        [(person, _hash(service, person, code)) for code in codes],
    )
    return ["-".join(code[at : at + _GROUP] for at in range(0, _CODE_LETTERS, _GROUP)) for code in codes]


def spend_recovery_code(connection: Connection, service: Service, person: UUID, code: str) -> bool:
    """Whether it is one of her codes that was never used; now it has been."""
    plain = _normal(code)
    if len(plain) != _CODE_LETTERS:
        return False
    spent = connection.execute(
        "update sec.recovery_codes set used_at = %s where person_id = %s and hash = %s and used_at is null",
        (service.clock(), person, _hash(service, person, plain)),
    )
    return spent.rowcount == 1


def _hash(service: Service, person: UUID, code: str) -> bytes:
    return hmac.digest(service.secrets.recovery_codes, person.bytes + code.encode(), "sha256")


def _normal(code: str) -> str:
    """As it was written down, whatever stands between its letters."""
    letters = unicodedata.normalize("NFKC", code).upper()
    return "".join(letter for letter in letters if letter.isalnum()).translate(_READ_AS)
