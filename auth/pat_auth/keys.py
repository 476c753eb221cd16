"""The keys that sign access tokens, kept in a file that only the server may read.

Three are published at a time. The `next` one is known to every server before it ever signs; the retired
one stays known until the tokens that it signed have expired. So a rotation needs no agreement between
servers.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from pat_platform.encryption.private_file import (
    ExposedFile,
    locked_folder,
    read_private,
    write_private,
)

ALGORITHM = "ES256"
SECONDS_BETWEEN_LOOKS = 1.0
_FILE = "signing-keys.json"


class UnusableKeys(Exception):
    """The key file is there and cannot be read as signing keys: nothing replaces it but a person."""


@dataclass(frozen=True, repr=False)
class SigningKeys:
    """The key that signs, the one that will, and the one that did until the last rotation."""

    current: ECKey
    next: ECKey
    retired: ECKey | None = None

    @classmethod
    def generate(cls) -> "SigningKeys":
        """Keys that were never used."""
        return cls(current=generate_key(), next=generate_key())

    @property
    def published(self) -> list[ECKey]:
        """Every key that a token may be verified with."""
        return [key for key in (self.current, self.next, self.retired) if key is not None]

    def public_set(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK set (RFC 7517) to publish: no private part, `kid` is the RFC 7638 thumbprint."""
        return {"keys": [dict(key.as_dict(private=False)) for key in self.published]}

    def rotated(self) -> "SigningKeys":
        """These keys one step on: the next one signs, the current one only verifies, the retired one goes."""
        return SigningKeys(current=self.next, next=generate_key(), retired=self.current)


def stored_keys(folder: Path) -> SigningKeys | None:
    """The signing keys in the folder, if there are any. Raises as `load_or_create_keys` does."""
    content = read_private(folder / _FILE)
    if content is None:
        return None
    try:
        stored = json.loads(content)
        retired = stored["retired"]
        return SigningKeys(
            current=private_key(stored["current"]),
            next=private_key(stored["next"]),
            retired=None if retired is None else private_key(retired),
        )
    except (ValueError, KeyError, TypeError, JoseError) as error:
        raise UnusableKeys(f"{folder / _FILE} does not hold signing keys") from error


def load_or_create_keys(folder: Path) -> SigningKeys:
    """The signing keys in the folder, made at the first start; servers that start together agree on one set.

    Raises `UnusableKeys` for a file that holds something else, `ExposedFile` for one that others may read.
    """
    with locked_folder(folder):
        keys = stored_keys(folder)
        if keys is None:
            keys = SigningKeys.generate()
            _write(folder, keys)
        return keys


def rotate_keys(folder: Path) -> SigningKeys:
    """Move the keys in the folder one step on and return them. Running servers notice: see `KeysInFile`.

    Two rotations in a row invalidate every token that is out: the answer to a stolen key.
    """
    with locked_folder(folder):
        keys = (stored_keys(folder) or SigningKeys.generate()).rotated()
        _write(folder, keys)
        return keys


class KeysInFile:
    """The signing keys in a folder, as they are now: another process may rotate them.

    Where the file is lost or damaged while a server runs, it goes on with the keys that it has.
    """

    def __init__(self, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        load_or_create_keys(folder)
        self._signature = self._look()
        self._keys = load_or_create_keys(folder)
        self._next_look = clock() + SECONDS_BETWEEN_LOOKS

    def read(self) -> SigningKeys:
        """The keys, at most a second old; the same object until they change."""
        if self._clock() >= self._next_look:
            self._next_look = self._clock() + SECONDS_BETWEEN_LOOKS
            signature = self._look()
            if signature not in (None, self._signature):
                self._signature = signature
                with suppress(UnusableKeys, ExposedFile, OSError):
                    self._keys = stored_keys(self._folder) or self._keys
        return self._keys

    def _look(self) -> tuple[int, ...] | None:
        """What changes whenever the file does; taken before it is read, so that no change is missed."""
        try:
            found = os.stat(self._folder / _FILE)
        except FileNotFoundError:
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def generate_key() -> ECKey:
    """A key of our curve, named by its thumbprint (RFC 7638)."""
    return ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)


def private_key(stored: dict[str, Any]) -> ECKey:
    """A key as it is stored. Raises ValueError, TypeError or JoseError for anything but a private P-256 key under its own name."""
    key = ECKey.import_key(stored)
    if not key.is_private or key.curve_name != "P-256" or key.kid != key.thumbprint():
        raise ValueError("not a private P-256 key named by its thumbprint")
    return key


def _write(folder: Path, keys: SigningKeys) -> None:
    stored = {
        "current": keys.current.as_dict(private=True),
        "next": keys.next.as_dict(private=True),
        "retired": None if keys.retired is None else keys.retired.as_dict(private=True),
    }
    write_private(folder / _FILE, json.dumps(stored, indent=1).encode())


def key_set(public_set: Mapping[str, list[dict[str, Any]]]) -> KeySet:
    """A published set as joserfc's, to verify with.

    Raises `UnusableKeys` for anything but public P-256 keys.
    """
    try:
        keys = [ECKey.import_key(key) for key in public_set["keys"]]
    except (ValueError, KeyError, JoseError) as error:
        raise UnusableKeys("a set to verify with holds keys that can be read") from error
    if not keys or any(key.is_private or key.curve_name != "P-256" for key in keys):
        raise UnusableKeys("a set to verify with holds public P-256 keys only")
    return KeySet(list(keys))
