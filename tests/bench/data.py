"""The data that is measured: the demo network, multiplied, on a PostgreSQL of its own that is kept for the next run."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from uuid import UUID, uuid4

import psycopg
from tests.bench import inbox

from pat_auth.keys import load_or_create_keys
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.scopes import SCOPES
from pat_auth.tokens import mint
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.postgres_programs import free_port
from pat_platform.settings import Settings
from pat_server.assembly import DEMO_TOKEN_LIFETIME
from pat_server.commands.demo_database import prepare
from pat_server.commands.home import CHECKOUT, Home
from pat_server.commands.progress import Progress
from pat_server.demo.organisations import COMMUNITIES, DESTINATIONS
from pat_server.demo.people import PEOPLE, Person, person

FOLDER = CHECKOUT / "build" / "bench"
LOADED_BY = ("server/pat_server/demo", "migrations/versions")
"""What decides how the loaded data looks: when it changes, they are loaded anew."""

BUDGETS = ("PAT_BUDGET_PERSON", "PAT_BUDGET_CLIENT", "PAT_BUDGET_ORGANISATION")

IDS_OF_EACH = 400
"""How many cases of each organisation are asked for by id."""


@dataclass(frozen=True)
class Caller:
    """Somebody who asks: who she is, her token, and ids of cases that she may read."""

    principal: Principal
    token: str
    cases: tuple[UUID, ...]


@dataclass(frozen=True)
class Data:
    """The loaded network while its PostgreSQL runs."""

    postgres: EmbeddedPostgres
    settings: Settings
    scale: int
    database: str = "pat"

    @property
    def admin_url(self) -> str:
        """The address of the database as a superuser."""
        return self.postgres.url(database=self.database)

    @cached_property
    def callers(self) -> tuple[Caller, ...]:
        """The case managers of all communities, signed in for as long as a run may last."""
        with psycopg.connect(self.admin_url) as connection:
            return tuple(self.caller(connection, each) for each in managers())

    @cached_property
    def receivers(self) -> tuple[Caller, ...]:
        """The workers of all organisations of destination states, with an inbox that is full."""
        inbox.fill(self.admin_url)
        with psycopg.connect(self.admin_url) as connection:
            return tuple(self.caller(connection, person("worker", each)) for each in DESTINATIONS)

    def caller(self, connection: psycopg.Connection, who: Person) -> Caller:
        """Somebody, in a session of her own."""
        session = uuid4()
        until = datetime.now(UTC) + timedelta(seconds=DEMO_TOKEN_LIFETIME)
        organisation = who.organisation.id
        connection.execute(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, 'bench', %s)",
            (session, who.login, organisation, who.membership, who.id, until),
        )
        principal = Principal(who.id, organisation, who.role, session, SCOPES, "bench")
        rows = connection.execute(
            "select id from app.cases where organisation_id = %s order by id limit %s",
            (organisation, IDS_OF_EACH),
        )
        return Caller(principal, token_of(principal, self.settings), tuple(row[0] for row in rows))

    def environment(self) -> Mapping[str, str]:
        """What `pat serve` reads, to serve this database."""
        return {
            "DATABASE_URL": self.settings.database_url,
            "PAT_SECRET": self.settings.secret.decode(),
            "PAT_DEMO": "1",
            # No proxy has to notice that it ends.
            "PAT_DRAIN_SECONDS": "0",
            # Counted as everywhere, but never spent: a benchmark asks more in a second than people do in a minute.
            **{f"PAT_BUDGET_{name}": str(10**15) for name in ("ORGANISATION", "CLIENT", "PERSON")},
            "PAT_ISSUER": self.settings.issuer,
            "PAT_AUDIENCE": self.settings.audience,
            "PAT_KEY_FOLDER": str(self.settings.key_folder),
            # Points are counted, but the load shall not run out of them.
            **dict.fromkeys(BUDGETS, str(10**12)),
        }


def token_of(principal: Principal, settings: Settings) -> str:
    """An access token that outlives the run."""
    keys = load_or_create_keys(settings.key_folder)
    lifetime = DEMO_TOKEN_LIFETIME
    return mint(principal, keys=keys, issuer=settings.issuer, audience=settings.audience, lifetime=lifetime)


def managers() -> list[Person]:
    """The case manager of each community: her role reads and writes all that is measured."""
    of_communities = {each.id for each in COMMUNITIES}
    return [
        each for each in PEOPLE if each.role is Role.CASE_MANAGER and each.organisation.id in of_communities
    ]


@contextmanager
def loaded(scale: int) -> Iterator[Data]:
    """The network on this scale, loaded if it is not there yet, for as long as the block lasts."""
    home = Home(FOLDER / f"demo-{scale}")
    port = free_port()
    with home.held(port):
        forget_another_release(home)
        with home.postgres as postgres, Progress() as progress:
            settings = prepare(postgres, home, port, scale, progress)
            progress.clear()
            yield Data(postgres, settings, scale)


def forget_another_release(home: Home) -> None:
    """Remove data that another release has loaded."""
    stamp = home.folder / "stamp"
    wanted = _stamp()
    if not stamp.exists() or stamp.read_text() != wanted:
        home.erase()
        stamp.write_text(wanted)


def _stamp() -> str:
    digest = hashlib.sha256()
    for folder in LOADED_BY:
        for file in sorted((CHECKOUT / folder).glob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def chosen(callers: tuple[Caller, ...], seed: int) -> Iterator[tuple[Caller, random.Random]]:
    """Callers by chance, without end, each with the chance that her request is drawn from."""
    chance = random.Random(seed)
    while True:
        yield chance.choice(callers), chance
