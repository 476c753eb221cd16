"""A managed server gives no superuser: who owns the database and may create roles puts up the same wall, and is told what stays open."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from pat_auth.policy import Role
from pat_platform.database.logins import MIGRATOR, login_name, login_password
from pat_platform.postgres import EmbeddedPostgres
from pat_server.migrate import migrate
from pat_tenants.isolation.lint import lint

SECRET = b"the managed server's own secret"


@pytest.fixture
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server on which nobody has been before, with an administrator who is no superuser."""
    postgres = EmbeddedPostgres(tmp_path_factory.mktemp("managed"), options={"fsync": "off"})
    with postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as server:
            server.execute("create role administrator login createrole password 'administrator'")
            server.execute("create database pat owner administrator")
        yield postgres
    postgres.erase()


def test_an_administrator_who_is_no_superuser_migrates(managed: EmbeddedPostgres) -> None:
    url = managed.url("administrator", "administrator", "pat")
    migrator = managed.url(MIGRATOR, login_password(SECRET, MIGRATOR, 1), "pat")
    organisation = uuid4()
    first = migrate(url, SECRET)
    assert first.open_still == [
        "large objects, advisory locks and pg_notify are open to every role",
        "every role may end other connections of its own login",
        "the activity and the size of whole tables are open to every role",
        "row counts of whole tables can be read from pg_class",
    ]
    with psycopg.connect(managed.url(database="pat"), autocommit=True) as superuser:
        superuser.execute(
            "insert into app.organisations (id, slug, kind, htcds_type, name, state)"
            " values (%s, 'new', 'FUNDER', 'NGO', 'New', 'Goa')",
            (organisation,),
        )
        for again in (url, migrator, url):
            assert migrate(again, SECRET).open_still == first.open_still
            assert lint(superuser) == []
    login = login_name(organisation, Role.FUNDER)
    with psycopg.connect(managed.url(login, login_password(SECRET, login, 1), "pat")) as funder:
        assert funder.execute("select count(*) from app.organisations").fetchone() == (0,)
