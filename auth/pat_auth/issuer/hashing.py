"""Hashing what people remember: Argon2id (RFC 9106), a few at a time."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from functools import cached_property
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MEMORY_KIB = 24 * 1024
PASSES = 2
"""OWASP's least is 19 MiB in two passes, or 46 MiB in one: as hard to guess at, and half of what it costs us here."""
_SALT_BYTES = 16
_HASH_BYTES = 32


class Hashing:
    """Argon2id with one strength, in as many threads at once as there are processors: others wait.

    It takes a processor for a twentieth of a second and holds `memory_kib`: never call it with a connection in hand.
    """

    def __init__(
        self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, at_once: int | None = None
    ) -> None:
        self._memory_kib = memory_kib
        self._passes = passes
        self._turns = BoundedSemaphore(at_once or os.cpu_count() or 1)

    def hash(self, secret: bytes) -> str:
        """A salted hash in the PHC form, which names its own strength."""
        with self._turns:
            return self._hasher.hash(secret)

    def matches(self, hashed: str, secret: bytes) -> bool:
        """Whether it is the hash of this secret. Raises an error of argon2's for what is no hash, or without memory for it."""
        from argon2.exceptions import VerifyMismatchError

        with self._turns:
            try:
                return self._hasher.verify(hashed, secret)
            except VerifyMismatchError:
                return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether we hash with another strength by now."""
        return self._hasher.check_needs_rehash(hashed)

    @cached_property
    def nobodys(self) -> str:
        """The hash of nothing that anybody knows, as long to verify as a real one: for people who are not there."""
        salt, tag = (
            b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (_SALT_BYTES, _HASH_BYTES)
        )
        return f"$argon2id$v=19$m={self._memory_kib},t={self._passes},p=1${salt}${tag}"

    @cached_property
    def _hasher(self) -> PasswordHasher:
        # Loading the library takes as long as a hash: not before somebody signs in.
        from argon2 import PasswordHasher

        return PasswordHasher(
            time_cost=self._passes,
            memory_cost=self._memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
