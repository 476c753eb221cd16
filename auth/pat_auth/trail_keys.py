"""The key that signs the heads of the trail: kept where the database is not, and used for nothing else.

Whoever can write every table can write a chain anew that fits. She cannot sign it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from pat_auth.keys import ALGORITHM, UnusableKeys, generate_key, key_set, private_key
from pat_platform.encryption.private_file import locked_folder, read_private, write_private

_FILE = "trail-keys.json"
_SIGNED = "trail-signed.json"
_TYPE = "trail-head"
_MALFORMED = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


@dataclass(frozen=True)
class SignedHead:
    """What was signed: that a chain's event of this number has this hash."""

    organisation: UUID
    number: int
    hash: bytes


@dataclass(frozen=True, repr=False)
class TrailKeys:
    """The key that signs, and the public parts of those that did before: what they have signed is verified for ever."""

    current: ECKey
    former: tuple[Mapping[str, Any], ...] = ()

    def public_set(self) -> dict[str, list[dict[str, Any]]]:
        """The JWK set (RFC 7517) that signatures are verified with: for whoever shall verify them elsewhere."""
        return {"keys": [dict(self.current.as_dict(private=False)), *map(dict, self.former)]}

    def rotated(self) -> TrailKeys:
        """These keys one step on."""
        return TrailKeys(generate_key(), tuple(self.public_set()["keys"]))


def stored_trail_keys(folder: Path) -> TrailKeys | None:
    """The keys in the folder, if there are any.

    Raises `UnusableKeys` for a file that holds something else, `ExposedFile` for one that others may read.
    """
    content = read_private(folder / _FILE)
    if content is None:
        return None
    try:
        stored = json.loads(content)
        keys = TrailKeys(private_key(stored["current"]), tuple(stored["former"]))
        key_set(keys.public_set())
    except (*_MALFORMED, UnusableKeys) as error:
        raise UnusableKeys(f"{folder / _FILE} does not hold keys of the trail") from error
    return keys


def load_or_create_trail_keys(folder: Path) -> TrailKeys:
    """The keys in the folder, made when they are first needed. Raises as `stored_trail_keys` does."""
    with locked_folder(folder):
        keys = stored_trail_keys(folder)
        if keys is None:
            keys = TrailKeys(generate_key())
            _write(folder, keys)
        return keys


def rotate_trail_keys(folder: Path) -> TrailKeys:
    """Sign with a new key from now on. Raises as `stored_trail_keys` does."""
    with locked_folder(folder):
        keys = (stored_trail_keys(folder) or TrailKeys(generate_key())).rotated()
        _write(folder, keys)
        return keys


def _write(folder: Path, keys: TrailKeys) -> None:
    stored = {"current": keys.current.as_dict(private=True), "former": list(keys.former)}
    write_private(folder / _FILE, json.dumps(stored, indent=1).encode())


def sign_head(keys: TrailKeys, head: SignedHead) -> str:
    """A compact JWS (RFC 7515) over a chain's newest event."""
    said = {"organisation": str(head.organisation), "number": head.number, "hash": head.hash.hex()}
    header = {"alg": ALGORITHM, "typ": _TYPE, "kid": keys.current.kid}
    return jws.serialize_compact(header, json.dumps(said).encode(), keys.current, algorithms=[ALGORITHM])


def last_signed(folder: Path) -> dict[UUID, SignedHead]:
    """What was signed last of each chain, as kept beside the keys: the database, and whoever may write it, does not have this.

    Raises as `stored_trail_keys` does.
    """
    content = read_private(folder / _SIGNED)
    if content is None:
        return {}
    try:
        return {
            UUID(organisation): SignedHead(UUID(organisation), int(number), bytes.fromhex(digest))
            for organisation, (number, digest) in json.loads(content).items()
        }
    except _MALFORMED as error:
        raise UnusableKeys(f"{folder / _SIGNED} does not hold what was signed") from error


def keep_last_signed(folder: Path, heads: Iterable[SignedHead]) -> None:
    """Keep these as what was signed last of their chains. Whatever is kept of a later event, or of the same, stays.

    Raises as `stored_trail_keys` does.
    """
    with locked_folder(folder):
        kept = last_signed(folder)
        later = {
            head.organisation: head
            for head in heads
            if head.organisation not in kept or kept[head.organisation].number < head.number
        }
        if later:
            said = {
                str(each.organisation): [each.number, each.hash.hex()] for each in {**kept, **later}.values()
            }
            write_private(folder / _SIGNED, json.dumps(said, indent=1).encode())


class HeadVerifier:
    """Reads signed heads with the public keys that it is given. Raises `UnusableKeys` for a set that holds others."""

    def __init__(self, public_set: Mapping[str, list[dict[str, Any]]]) -> None:
        self._keys: KeySet = key_set(public_set)

    def read(self, signature: str) -> SignedHead | None:
        """What was signed; None for what none of the keys has signed, or as something else."""
        try:
            found = jws.deserialize_compact(signature, self._keys, algorithms=[ALGORITHM])
            if found.headers().get("typ") != _TYPE:
                return None
            said = json.loads(found.payload or b"")
            return SignedHead(UUID(said["organisation"]), int(said["number"]), bytes.fromhex(said["hash"]))
        except _MALFORMED:
            return None
