"""Finding a telephone number without storing it.

What is stored is a keyed hash. The key matters: all numbers of India can be tried in hours by whoever has
it, so it is derived from the organisation's key and never lies beside the data. Each organisation and
each column has its own: the same number gives unrelated values in two of them. Erasing a person deletes
her index values too.
"""

import hmac
import unicodedata
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from pat_platform.encryption.envelope import join_parts
from pat_platform.errors import Refused

PURPOSE: Final = b"blind index"
"""What to ask `KeyProvider.derive` for."""

INDEX_BYTES = 16
_INDIA = "91"
_INDIAN_DIGITS = 10
# ITU-T E.164: at most fifteen digits with the country; no country has numbers of fewer than seven.
_SHORTEST, _LONGEST = 8, 15


class BlindIndex:
    """Index values of one column of one organisation.

    `organisation_key` is what `KeyProvider.derive(organisation, PURPOSE)` gives; `column` is spelled
    table.column.
    """

    def __init__(self, organisation_key: bytes, column: str = "survivor_identity.phone") -> None:
        context = join_parts(b"pat blind index", column.encode())
        self._key = HKDFExpand(algorithm=SHA256(), length=32, info=context).derive(organisation_key)

    def phone(self, number: str) -> bytes:
        """The 16 bytes that stand for a telephone number, however it is written.

        Raises what `e164` raises.
        """
        return hmac.digest(self._key, e164(number).encode(), sha256)[:INDEX_BYTES]


def e164(number: str) -> str:
    """A telephone number as +, country and digits; an Indian one where no country is written.

    Takes digits of any script and the usual marks between them. Raises `Refused` PHONE_INVALID for
    anything else.
    """
    text = unicodedata.normalize("NFKC", number).strip()
    kept = [character for character in text if not _is_mark(character)]
    is_international = kept[:1] == ["+"]
    digits = "".join(_digit(character) for character in kept[is_international:])
    if not is_international and digits.startswith("00"):
        is_international, digits = True, digits[2:]
    result = digits if is_international else _with_india(digits)
    if result.startswith(_INDIA):
        # People write the trunk zero after the country too: +91 (0) 98300 12345.
        result = _INDIA + result[len(_INDIA) :].removeprefix("0")
        if len(result) != len(_INDIA) + _INDIAN_DIGITS:
            raise _invalid()
    if not _SHORTEST <= len(result) <= _LONGEST or result.startswith("0"):
        raise _invalid()
    return f"+{result}"


def _is_mark(character: str) -> bool:
    """Whether it only separates digits: spaces, dashes, dots, brackets, and what is invisible."""
    return character in "-.()/" or unicodedata.category(character) in {"Zs", "Pd", "Cf"}


def _digit(character: str) -> str:
    value = unicodedata.digit(character, None)
    if value is None:
        raise _invalid()
    return str(value)


def _with_india(digits: str) -> str:
    """The digits with the country before them, unless they are long enough to have begun with it."""
    if len(digits) > _INDIAN_DIGITS + 1 and digits.startswith(_INDIA):
        return digits
    return _INDIA + digits.removeprefix("0")


def _invalid() -> Refused:
    return Refused(
        "PHONE_INVALID", "This is not a telephone number. Write ten digits, or + and the country.", "phone"
    )
