"""An issuer before the small network, with a clock that tests turn, hashes that cost nothing and are counted, and people to prove."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

from tests.support.wall import SECRET, Wall

from pat_auth.issuer.hashing import Hashing
from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.recovery import renew_recovery_codes
from pat_auth.issuer.service import Secrets, Service
from pat_auth.issuer.totp import new_secret, present_code, put_factor
from pat_auth.keys import KeysInFile
from pat_auth.tokens import FollowingVerifier, Verifier
from pat_platform.database.logins import SIGN_IN
from pat_platform.database.threads import Connections
from pat_platform.settings import Settings
from pat_tenants.isolation.provision import provision_services

ISSUER = "https://pat.example"
PASSWORD = "the lapwing sleeps at noon"
KEPT = ("resets", "passkeys", "recovery_codes", "second_factors", "secrets", "consents", "browsers")


@dataclass
class Clock:
    """The time that the issuer believes in."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        """Let time go by."""
        self.now += timedelta(**time)


class CountedHashing(Hashing):
    """Argon2id at its least, and how often it was asked to verify."""

    def __init__(self) -> None:
        super().__init__(memory_kib=8, passes=1)
        self.verified = 0

    def matches(self, hashed: str, secret: bytes) -> bool:
        self.verified += 1
        return super().matches(hashed, secret)


@dataclass(frozen=True)
class Somebody:
    """A person who can sign in, and all that she needs for it."""

    id: UUID
    email: str
    password: str = field(default=PASSWORD)
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    def code(self, clock: Callable[[], datetime]) -> str:
        """What her generator shows."""
        return present_code(self.secret, clock())


@dataclass
class Proving:
    """The issuer on the login that it has, and how people are put in and taken out again."""

    wall: Wall
    service: Service
    clock: Clock
    hashing: CountedHashing
    people: list[UUID] = field(default_factory=list)

    def put(self, *, password: str | None = PASSWORD, is_disabled: bool = False) -> Somebody:
        """Somebody with a generator and recovery codes, without a membership."""
        person, secret = uuid4(), new_secret()
        email = f"{person}@people.example"
        self.people.append(person)
        self.wall.admin.execute(
            "insert into sec.people (id, email, disabled_at) values (%s, %s, %s)",
            (person, email, datetime.now(UTC) if is_disabled else None),
        )
        hashed = None if password is None else hash_password(self.service, password)
        with self.service.connections.transaction() as connection:
            if hashed is not None:
                set_password(connection, self.service, person, hashed)
            put_factor(connection, self.service, person, secret, step=0)
            codes = renew_recovery_codes(connection, self.service, person)
        return Somebody(person, email, password or "", secret, tuple(codes))

    def forget(self) -> None:
        """Take out whatever tests have put in: others share the network."""
        for table in KEPT:
            self.wall.admin.execute(
                f"delete from sec.{table} where person_id = any(%s)".encode(), (self.people,)
            )
        self.wall.admin.execute("delete from sec.people where id = any(%s)", (self.people,))
        self.wall.admin.execute("delete from sec.attempts where key <> 'key'")


def issuer_before(
    url: str, secret: bytes, folder: Path, *, hashing: Hashing, clock: Callable[[], datetime]
) -> Service:
    """An issuer before a database whose logins have passwords. Close its connections at the end."""
    settings = Settings(database_url=url, secret=secret, issuer=ISSUER, audience=f"{ISSUER}/graphql")
    keys = KeysInFile(folder)
    return Service(
        connections=Connections(settings, SIGN_IN, size=settings.sign_in_connections),
        keys=keys,
        verifier=FollowingVerifier(
            keys, partial(Verifier, issuer=settings.issuer, audience=settings.audience)
        ),
        issuer=settings.issuer,
        audience=settings.audience,
        secrets=Secrets.of(secret),
        hashing=hashing,
        clock=clock,
    )


@contextmanager
def proving_on(wall: Wall, folder: Path) -> Iterator[Proving]:
    """The issuer of the small network."""
    provision_services(wall.admin, SECRET, [SIGN_IN])
    clock, hashing = Clock(), CountedHashing()
    service = issuer_before(wall.url, SECRET, folder, hashing=hashing, clock=clock)
    proving = Proving(wall, service, clock, hashing)
    try:
        yield proving
    finally:
        service.connections.close()
        proving.forget()
