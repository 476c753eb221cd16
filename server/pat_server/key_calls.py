"""The key provider, with its calls counted: when it does not answer, an operator must see it before caseworkers ring."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from time import perf_counter
from typing import TypeVar
from uuid import UUID

from pat_platform.encryption.provider import (
    KeyKeeper,
    KeysMissing,
    KeysUnavailable,
    KeyVersion,
    SubjectKey,
    WrappedKey,
)
from pat_platform.logging import get_logger
from pat_server.metrics import Measures

T = TypeVar("T")
log = get_logger("pat.keys")


class CountedKeys:
    """Passes every call on, and notes how it went and how long it took. Raises what the provider raises."""

    def __init__(self, provider: KeyKeeper, measures: Measures) -> None:
        self._provider = provider
        self._measures = measures

    @property
    def name(self) -> str:
        """The provider's own."""
        return self._provider.name

    async def wrap(self, organisation: UUID, keys: Sequence[SubjectKey]) -> list[bytes]:
        """As the provider does."""
        return await self._counted("wrap", organisation, self._provider.wrap(organisation, keys))

    async def unwrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """As the provider does."""
        return await self._counted("unwrap", organisation, self._provider.unwrap(organisation, keys))

    async def derive(self, organisation: UUID, purpose: bytes) -> bytes:
        """As the provider does."""
        return await self._counted("derive", organisation, self._provider.derive(organisation, purpose))

    def close(self) -> None:
        """As the provider does."""
        self._provider.close()

    async def create(self, organisation: UUID) -> bool:
        """As the provider does."""
        return await self._counted("create", organisation, self._provider.create(organisation))

    async def versions(self, organisation: UUID) -> list[KeyVersion]:
        """As the provider does."""
        return await self._counted("versions", organisation, self._provider.versions(organisation))

    async def rotate(self, organisation: UUID) -> None:
        """As the provider does."""
        await self._counted("rotate", organisation, self._provider.rotate(organisation))

    async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
        """As the provider does."""
        return await self._counted("rewrap", organisation, self._provider.rewrap(organisation, keys))

    async def destroy_before(self, organisation: UUID, version: KeyVersion) -> None:
        """As the provider does."""
        await self._counted("destroy", organisation, self._provider.destroy_before(organisation, version))

    async def _counted(self, call: str, organisation: UUID, answer: Awaitable[T]) -> T:
        began, result = perf_counter(), "failed"
        try:
            found = await answer
            result = "ok"
            return found
        except KeysMissing:
            result = "missing"
            log.error("keys.missing", provider=self.name, organisation=organisation)
            raise
        except KeysUnavailable:
            result = "unavailable"
            log.error("keys.unavailable", provider=self.name, organisation=organisation)
            raise
        finally:
            self._measures.keys[call, result] += 1
            self._measures.key_seconds += perf_counter() - began
