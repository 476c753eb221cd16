"""What the issuer is made of: one for each process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from pat_auth.issuer.hashing import Hashing
from pat_auth.keys import KeysInFile
from pat_auth.tokens import FollowingVerifier
from pat_platform.database.logins import SIGN_IN
from pat_platform.database.threads import Connections
from pat_platform.encryption.derived import derived
from pat_platform.settings import Settings

if TYPE_CHECKING:
    from pat_auth.issuer.upstreams_provider import Providers


@dataclass(frozen=True, repr=False)
class Secrets:
    """A key for each of the issuer's purposes, derived from the deployment's secret. With another secret, all of them are others."""

    passwords: bytes
    """Stirred into passwords before they are hashed: a stolen table of hashes is not enough to guess at."""
    second_factors: bytes
    """Seals the secrets of TOTP."""
    recovery_codes: bytes
    refresh_tokens: bytes
    """Makes the successor of a refresh token out of it, so that it need not be stored to be given again."""
    forms: bytes
    counters: bytes
    """Hides whose failures a counter counts."""
    known_browsers: bytes
    """Signs what a browser is known by in which somebody has signed in."""
    mails: bytes
    """Seals letters until they are sent."""
    upstreams: bytes
    """Seals our secrets with organisations' own providers."""
    upstream_visits: bytes
    """Makes what somebody is sent there with, so that it need not be stored."""

    @classmethod
    def of(cls, secret: bytes) -> Secrets:
        """The keys of a deployment."""
        return cls(
            passwords=derived(secret, b"pat passwords"),
            second_factors=derived(secret, b"pat second factors"),
            recovery_codes=derived(secret, b"pat recovery codes"),
            refresh_tokens=derived(secret, b"pat refresh"),
            forms=derived(secret, b"pat forms"),
            counters=derived(secret, b"pat counters"),
            known_browsers=derived(secret, b"pat known browsers"),
            mails=derived(secret, b"pat mails"),
            upstreams=derived(secret, b"pat upstreams"),
            upstream_visits=derived(secret, b"pat upstream visits"),
        )


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Service:
    """The issuer's parts. It is used in threads: whatever waits for PostgreSQL or hashes, waits there."""

    connections: Connections
    keys: KeysInFile
    verifier: FollowingVerifier
    issuer: str
    """An origin, without a slash at its end."""
    audience: str
    """For whom access tokens are made: the API."""
    secrets: Secrets = field(repr=False)
    hashing: Hashing
    clock: Callable[[], datetime] = _now
    """The time, with its zone."""
    is_explorable: bool = False
    """Whether this is the demo or a developer's server, where clients on this machine need no https."""
    sends_mail: bool = False
    """Whether letters leave the outbox: without, nobody is offered one."""

    @classmethod
    def of(cls, settings: Settings, keys: KeysInFile, verifier: FollowingVerifier) -> Service:
        """The issuer of one process. Connects to nothing yet; close its connections at the end."""
        return cls(
            connections=Connections(settings, SIGN_IN, size=settings.sign_in_connections),
            keys=keys,
            verifier=verifier,
            issuer=settings.issuer,
            audience=settings.audience,
            secrets=Secrets.of(settings.secret),
            hashing=Hashing(),
            is_explorable=settings.is_explorable,
            sends_mail=settings.demo or settings.mail is not None,
        )

    @cached_property
    def providers(self) -> Providers:
        """The OpenID providers of organisations, as this process knows them."""
        # It loads a client for HTTP: not before somebody goes to one.
        from pat_auth.issuer.upstreams_provider import Providers

        return Providers()
