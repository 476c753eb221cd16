"""What one server process is made of."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from pat_auth.issuer.service import Secrets, Service
from pat_auth.keys import KeysInFile
from pat_auth.mails.outbox import Outbox
from pat_auth.policy import Permission
from pat_auth.principal import Principal
from pat_auth.tokens import LIFETIME, FollowingVerifier, Verifier
from pat_platform import limits
from pat_platform.database.access import Database
from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.derived import derived
from pat_platform.encryption.envelope import Unreadable
from pat_platform.engine.complete import FieldError
from pat_platform.engine.engine import Engine
from pat_platform.engine.engine import Settings as EngineSettings
from pat_platform.settings import EngineMode, Settings
from pat_schema.root import declarations, graphql_schema
from pat_schema.shared import UNSEAL_KEPT
from pat_schema.survivors import UNSEAL
from pat_schema.trail import WORDED
from pat_server.access_words import worded
from pat_server.diagnosing import Diagnosis
from pat_server.introspection import validate_closed
from pat_server.key_calls import CountedKeys
from pat_server.metrics import Measures
from pat_tenants.replays import Replays
from pat_tenants.vault import Vault

DEMO_TOKEN_LIFETIME = 12 * 3600
"""Seconds: long enough to play with the demo for a day's work. Other deployments mint five-minute tokens."""


@dataclass(frozen=True)
class Parts:
    """The parts, each made once."""

    settings: Settings
    database: Database
    engine: Engine
    vault: Vault
    verifier: FollowingVerifier
    key_file: KeysInFile
    issuer: Service
    """What signs people in."""
    outbox: Outbox | None
    """Where letters are put; None where no mail is sent."""
    replays: Replays
    diagnosis: Diagnosis | None
    """What executes reads instead of the engine, where an operator asked for it."""
    measures: Measures
    """What is counted, for metrics."""


def assemble(settings: Settings) -> Parts:
    """Make the parts. Raises DeclarationError or PermissionMissing when the schema is not fit to be served."""
    demand_permissions()
    measures = Measures()
    vault = Vault(CountedKeys(key_keeper(settings), measures))
    key_file = KeysInFile(settings.key_folder)
    verifier = FollowingVerifier(
        key_file,
        partial(
            Verifier,
            issuer=settings.issuer,
            audience=settings.audience,
            longest_lifetime=DEMO_TOKEN_LIFETIME if settings.demo else LIFETIME,
        ),
    )
    return Parts(
        settings=settings,
        database=Database(settings),
        engine=make_engine(settings, vault),
        vault=vault,
        verifier=verifier,
        key_file=key_file,
        issuer=Service.of(settings, key_file, verifier),
        outbox=Outbox(mail_key(settings), settings.issuer) if settings.demo or settings.mail else None,
        replays=Replays(derived(settings.secret, b"pat replays")),
        diagnosis=_diagnosis(settings, vault),
        measures=measures,
    )


def mail_key(settings: Settings) -> bytes:
    """What letters are sealed with until they are sent."""
    return Secrets.of(settings.secret).mails


def _diagnosis(settings: Settings, vault: Vault) -> Diagnosis | None:
    if settings.engine is EngineMode.COMPILED:
        return None
    return Diagnosis(settings, make_engine(settings, vault, blocking=True))


def vault_of(settings: Settings) -> Vault:
    """The keys of organisations, as the provider that the settings name keeps them. Raises SettingsError if they name none."""
    return Vault(key_keeper(settings))


def make_engine(settings: Settings, vault: Vault, *, blocking: bool = False) -> Engine:
    """The engine over the schema, with the step that opens sealed values and the call that records who read them.

    ``blocking`` makes the step one for threads without an event loop.
    """

    unreadable = FieldError("This cannot be opened any more.", "UNREADABLE")

    async def unseal(values: list[Any], principal: Principal) -> Sequence[Any]:
        try:
            opened = await vault.unseal(principal.organisation, values)
        except Unreadable:
            return [unreadable] * len(values)
        return [unreadable if text is None else text for text in opened]

    async def unseal_kept(values: list[Any], _: Principal) -> Sequence[Any]:
        # Each value says whose it is: the door gave it, for as long as it is shared.
        whose: dict[str, list[int]] = {}
        for number, (keeper, *_sealed) in enumerate(values):
            whose.setdefault(keeper, []).append(number)
        opened: list[Any] = [unreadable] * len(values)
        for keeper, numbers in whose.items():
            try:
                texts = await vault.unseal(UUID(keeper), [values[number][1:] for number in numbers])
            except Unreadable:
                continue
            for number, text in zip(numbers, texts, strict=True):
                opened[number] = unreadable if text is None else text
        return opened

    def unseal_kept_here(values: list[Any], principal: Principal) -> Sequence[Any]:
        return asyncio.run(unseal_kept(values, principal))

    def unseal_here(values: list[Any], principal: Principal) -> Sequence[Any]:
        return asyncio.run(unseal(values, principal))

    return Engine(
        graphql_schema(),
        declarations(),
        {
            UNSEAL: unseal_here if blocking else unseal,
            UNSEAL_KEPT: unseal_kept_here if blocking else unseal_kept,
            WORDED: worded,
        },
        derived(settings.secret, b"pat cursors"),
        EngineSettings(
            max_cost=settings.max_cost,
            audit_sql="trail.reveal({operation}, ({subjects})::jsonb)",
            digest_key=derived(settings.secret, b"pat operations"),
            parser=limits.parse_limited,
            validator=limits.validate_limited if settings.is_explorable else validate_closed,
        ),
    )


class PermissionMissing(Exception):
    """A root field does not name the permission it needs."""


def demand_permissions() -> None:
    """Raises PermissionMissing unless every root field names a permission."""
    schema = graphql_schema()
    found = declarations().fields
    for root in (schema.query_type, schema.mutation_type, schema.subscription_type):
        for name in root.fields if root else ():
            declaration = found.get(root.name, {}).get(name) if root else None
            if declaration is None or not isinstance(declaration.requires, Permission):
                raise PermissionMissing(f"{root.name if root else ''}.{name} names no permission")
