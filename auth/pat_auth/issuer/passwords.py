"""Passwords: which are good enough, and how they are kept.

A password is stirred with a key of the deployment before it is hashed, so that a stolen table alone is of no use to whoever guesses.
"""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterable, Iterator
from uuid import UUID

from pat_auth.issuer.hashing import Hashing
from pat_auth.issuer.service import Secrets, Service
from pat_auth.models import SecretKind
from pat_platform.database.threads import Connection

SHORTEST = 12
"""Characters. A second factor stands beside it; NIST SP 800-63B-4 asks for eight then."""
FEWEST_DIFFERENT = 5
KEY = 1
"""Which key of the deployment is stirred in: there has been one so far."""
TOO_SHORT = "too_short"
TOO_COMMON = "too_common"

FEWEST_OWN_LETTERS = 4
"""Letters that are left when everybody's words are taken out."""
LONG = 20
"""From so many characters on, digits alone will do."""
# fmt: off
_EVERYBODYS = (
    "administrator", "password", "passwort", "welcome", "changeme", "letmein", "iloveyou", "sunshine", "football", "superman",
    "computer", "princess", "trustno", "bangladesh", "westbengal", "calcutta", "kolkata", "mumbai", "bharat", "india", "cricket",
    "krishna", "ganesh", "secret", "dragon", "monkey", "master", "login", "hello", "admin", "abcdefghijklmnopqrstuvwxyz",
    "abcdefghijklm", "abcdefgh", "abcdef", "abcd", "abc", "qwertyuiopasdfghjklzxcvbnm", "qwertyuiop", "qwerty", "asdfghjkl",
    "asdfgh", "asdf", "zxcvbnm", "zxcvbn", "qazwsxedc", "qazwsx", "zaqxswcde", "zaqwsx",
    "1q2w3e4r5t6y", "1q2w3e4r", "1qaz2wsx3edc", "1qaz2wsx", "zaq12wsx",
)
# fmt: on
_ALIKE = str.maketrans("@$!", "asi")
_ALIKE_DIGITS = str.maketrans("0134578", "oieastb")


def is_acceptable(password: str, email: str = "") -> str | None:
    """None for a password that is good enough, else why it is not: TOO_SHORT or TOO_COMMON.

    Nothing else is asked of it (NIST SP 800-63B-4, 3.1.1.2): rules on its characters make passwords worse.
    """
    plain = _normal(password)
    if len(plain) < SHORTEST:
        return TOO_SHORT
    spelled = "".join(plain.lower().split())
    words = (*filter(None, email.lower().partition("@")), *_EVERYBODYS)
    is_guessed = len(spelled) < LONG and min(_own_letters(spelled, words)) < FEWEST_OWN_LETTERS
    return TOO_COMMON if is_guessed or len(set(spelled)) < FEWEST_DIFFERENT else None


def _own_letters(spelled: str, words: Iterable[str]) -> Iterator[int]:
    """How many letters are left without those words, read as it stands and with digits in the place of letters."""
    stretched = spelled.translate(_ALIKE)
    for text in (stretched, stretched.translate(_ALIKE_DIGITS)):
        for word in words:
            text = text.replace(word, "")
        yield sum(letter.isalpha() for letter in text)


def hash_password(service: Service, password: str) -> str:
    """The hash to keep. It takes a while: not with a connection in hand."""
    return hash_with(service.hashing, service.secrets, password)


def hash_with(hashing: Hashing, secrets: Secrets, password: str) -> str:
    """The same for whoever has no issuer at hand."""
    return hashing.hash(_stirred(secrets, password))


def verify_password(service: Service, password: str, hashed: str | None, key: int = KEY) -> bool:
    """Whether it is the password that was hashed under that key; None takes as long, and is nobody's."""
    # With another key of the deployment nothing matches, and that too takes as long.
    is_ours = hashed is not None and key == KEY
    matches = service.hashing.matches(
        hashed if hashed is not None and is_ours else service.hashing.nobodys,
        _stirred(service.secrets, password),
    )
    return matches and is_ours


def set_password(connection: Connection, service: Service, person: UUID, hashed: str) -> None:
    """Keep what `hash_password` made as this person's password, instead of any before."""
    connection.execute(
        "insert into sec.secrets (person_id, kind, hash, key, changed_at) values (%s, %s, %s, %s, %s)"
        " on conflict (person_id, kind) do update"
        " set hash = excluded.hash, key = excluded.key, changed_at = excluded.changed_at",
        (person, SecretKind.PASSWORD, hashed, KEY, service.clock()),
    )


def _stirred(secrets: Secrets, password: str) -> bytes:
    return hmac.digest(secrets.passwords, _normal(password).encode(), "sha256")


def _normal(password: str) -> str:
    """The same letters typed on another keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)
