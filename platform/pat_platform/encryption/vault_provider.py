"""A key provider that has its keys in the transit engine of HashiCorp Vault or OpenBao: they never leave it.

Each organisation has two keys there. `pat-ID` wraps: it derives another key from each context, and the context is the
organisation and the subject, so that a wrapped key opens for nobody else. `pat-ID-index` never rotates and is derived from.
"""

import base64
import binascii
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from hvac.exceptions import InvalidPath, InvalidRequest  # type: ignore[import-untyped]  # hvac has no type hints

from pat_platform.encryption.envelope import KEY_BYTES, join_parts
from pat_platform.encryption.provider import (
    KeysMissing,
    KeysUnavailable,
    KeyVersion,
    SubjectKey,
    WrappedKey,
)
from pat_platform.encryption.vault_client import VaultClient
from pat_platform.settings import VaultAccess

_PREFIX = b"vault:v"
_NOT_FOUND = "encryption key not found"


class VaultKeyProvider:
    """Asks Vault's transit engine: one request for all keys of a call."""

    name = "vault"

    def __init__(self, access: VaultAccess) -> None:
        self._client = VaultClient(access)
        self._mount = access.mount
        self._known: set[UUID] = set()

    def close(self) -> None:
        """Let go of its threads."""
        self._client.close()

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """Each key as Vault's own text: its version, then the sealed key."""
        # A token that may create keys would make a lost one anew by using it.
        if organisation not in self._known and not await self.versions(organisation):
            raise _missing(organisation)
        self._known.add(organisation)
        items = [
            {"plaintext": _base64(item.key), "context": _context(organisation, item.subject)} for item in keys
        ]
        found = await self._batch(organisation, "encrypt", items)
        if found is None:
            raise _missing(organisation)
        if any("ciphertext" not in item for item in found):
            raise KeysUnavailable("Vault wrapped some keys and not others.")
        return [item["ciphertext"].encode() for item in found]

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key in the clear; None for one that was changed or moved, or whose version is destroyed."""
        found = await self._answers(organisation, "decrypt", "plaintext", keys)
        return [_opened(text) for text in found]

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """The first version of the organisation's index key, over the purpose: HMAC-SHA256."""

        def work(client: Any) -> Any:
            return client.secrets.transit.generate_hmac(
                name=_index_name(organisation),
                hash_input=_base64(join_parts(b"purpose", purpose)),
                key_version=1,
                algorithm="sha2-256",
                mount_point=self._mount,
            )

        try:
            answer = _data(await self._client.call(work))
        except InvalidRequest as refused:
            raise _as_fault(refused, organisation) from None
        return base64.b64decode(answer["hmac"].rpartition(":")[2])

    async def create(self, organisation: UUID) -> bool:
        """Make both keys, the wrapping one last: where it is, the other one is too."""
        if await self.versions(organisation):
            return False

        def work(client: Any) -> None:
            transit = client.secrets.transit
            transit.create_key(_index_name(organisation), key_type="aes256-gcm96", mount_point=self._mount)
            transit.create_key(
                _name(organisation), derived=True, key_type="aes256-gcm96", mount_point=self._mount
            )

        await self._change(organisation, work)
        return True

    async def versions(self, organisation: UUID) -> list[KeyVersion]:
        """The versions that Vault still opens, oldest first."""

        def work(client: Any) -> Any:
            try:
                return client.secrets.transit.read_key(_name(organisation), mount_point=self._mount)
            except InvalidPath:
                return None

        answer = await self._client.call(work)
        if answer is None:
            return []
        data = _data(answer)
        numbers = sorted(int(number) for number in data["keys"])
        return [
            KeyVersion(f"v{number}", b"%s%d:" % (_PREFIX, number), _moment(data["keys"][str(number)]))
            for number in numbers
            if number >= data["min_decryption_version"]
        ]

    async def rotate(self, organisation: UUID) -> None:
        """Wrap under a new version from now on."""
        if not await self.versions(organisation):
            raise _missing(organisation)
        await self._change(
            organisation,
            lambda client: client.secrets.transit.rotate_key(_name(organisation), mount_point=self._mount),
        )

    async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """Each key under the newest version, without showing it to us; None for one that does not open."""
        found = await self._answers(organisation, "rewrap", "ciphertext", keys)
        return [None if text is None else text.encode() for text in found]

    async def destroy_before(self, organisation: UUID, version: KeyVersion) -> None:
        """Forbid every older version, then remove it for ever."""
        number = int(version.prefix.removeprefix(_PREFIX).rstrip(b":"))

        def work(client: Any) -> None:
            transit, name = client.secrets.transit, _name(organisation)
            # Vault trims only what may neither open nor wrap any more, and what may wrap must be able to open.
            for least in ("min_encryption_version", "min_decryption_version"):
                transit.update_key_configuration(name, mount_point=self._mount, **{least: number})
            transit.trim_key(name, min_version=number, mount_point=self._mount)

        await self._change(organisation, work)

    async def _change(self, organisation: UUID, work: Any) -> None:
        try:
            await self._client.call(work)
        except InvalidRequest as refused:
            raise _as_fault(refused, organisation) from None

    async def _answers(
        self, organisation: UUID, verb: str, field: str, keys: Sequence[WrappedKey]
    ) -> list[str | None]:
        """One field of Vault's answer to each wrapped key; None where it does not open. What Vault never wrote is not sent."""
        asked = [item for item in keys if item.blob.startswith(_PREFIX) and item.blob.isascii()]
        items = [
            {"ciphertext": item.blob.decode(), "context": _context(organisation, item.subject)}
            for item in asked
        ]
        found = await self._batch(organisation, verb, items) or [{} for _ in asked]
        by_key = dict(zip(asked, found, strict=True))
        return [by_key.get(item, {}).get(field) for item in keys]

    async def _batch(
        self, organisation: UUID, verb: str, items: Sequence[dict[str, str]]
    ) -> list[dict[str, str]] | None:
        """Vault's answers to a batch, in its order; None where the organisation has no key."""
        if not items:
            return []

        def work(client: Any) -> Any:
            transit = client.secrets.transit
            if verb == "encrypt":
                return transit.encrypt_data(_name(organisation), batch_input=items, mount_point=self._mount)
            if verb == "decrypt":
                return transit.decrypt_data(_name(organisation), batch_input=items, mount_point=self._mount)
            return transit.rewrap_data(
                _name(organisation), ciphertext=None, batch_input=items, mount_point=self._mount
            )

        try:
            results = _data(await self._client.call(work))["batch_results"]
        except InvalidRequest as refused:
            # One key that does not open makes the whole answer a refusal, with the answers to the others in it.
            results = ((refused.json or {}).get("data") or {}).get("batch_results")
            if results is None:
                fault = _as_fault(refused, organisation)
                if isinstance(fault, KeysMissing):
                    return None
                raise fault from None
        if len(results) != len(items):
            raise KeysUnavailable("Vault answered to another number of keys than were asked for.")
        return list(results)


def _name(organisation: UUID) -> str:
    return f"pat-{organisation.hex}"


def _index_name(organisation: UUID) -> str:
    return f"{_name(organisation)}-index"


def _context(organisation: UUID, subject: UUID) -> str:
    return _base64(join_parts(b"pat subject key", organisation.bytes, subject.bytes))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _opened(text: str | None) -> bytes | None:
    if not text:
        return None
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return key if len(key) == KEY_BYTES else None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _data(answer: Any) -> dict[str, Any]:
    """What an answer holds. Raises `KeysUnavailable` for one that is no answer of Vault's."""
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
        raise KeysUnavailable("What answers at PAT_VAULT_ADDRESS is not Vault.")
    data: dict[str, Any] = answer["data"]
    return data


def _as_fault(refused: InvalidRequest, organisation: UUID) -> KeysUnavailable:
    errors: Iterable[str] = refused.errors or ()
    if any(_NOT_FOUND in error for error in errors):
        return _missing(organisation)
    return KeysUnavailable("Vault does not take what we ask: is PAT_VAULT_MOUNT a transit engine?")


def _missing(organisation: UUID) -> KeysMissing:
    return KeysMissing(f"Vault has no key {_name(organisation)}.")
