"""A login that has changed its own settings or password is found, and put right by the next migration."""

from __future__ import annotations

import psycopg
import pytest
from tests.doctor.conftest import SECRET, Installation

from pat_platform.database.logins import ISSUER, JOBS, login_password
from pat_server.doctor.logins import fits

GIVEN = [
    "idle_in_transaction_session_timeout=10s",
    "lock_timeout=2s",
    "search_path=pg_catalog",
    "statement_timeout=5s",
]


@pytest.fixture
def login(installation: Installation) -> str:
    """The organisation's login of case managers."""
    with psycopg.connect(installation.url) as connection:
        ((name,),) = connection.execute("select login from sec.logins where role = 'case_manager'").fetchall()
    return str(name)


def change(installation: Installation, login: str, statement: str) -> None:
    """As an injection would: the login itself, with the password that it was given."""
    url = installation.postgres.url(login, login_password(SECRET.encode(), login, 1), "pat")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (
            (
                "alter role current_user set statement_timeout = 0",
                "alter role current_user in database pat set default_transaction_isolation = 'serializable'",
            ),
            "settings that are not ours",
        ),
        (("alter role current_user reset all",), "settings that are not ours"),
        (("alter role current_user password 'mine'",), "have a password that is not ours"),
    ],
)
def test_what_a_login_has_changed_of_itself_is_told_and_undone(
    installation: Installation, login: str, statements: tuple[str, ...], told: str
) -> None:
    for statement in statements:
        change(installation, login, statement)
    try:
        ((level, sentence),) = installation.said("logins")
        assert level == "problem"
        assert told in sentence
        assert login in sentence
    finally:
        assert installation.pat("migrate").exit_code == 0
    assert [level for level, _ in installation.said("logins")] == ["ok"]
    with psycopg.connect(installation.url) as connection:
        settings = "select setdatabase = 0, setconfig from pg_db_role_setting where setrole = %s::regrole"
        ((is_everywhere, found),) = connection.execute(settings, (login,)).fetchall()
    assert is_everywhere
    assert sorted(found) == GIVEN
    change(installation, login, "select 1")


def test_a_verifier_that_is_none_or_takes_hours_to_check_is_not_ours() -> None:
    keys = "c2FsdA==$vVsYxTqAJlG3sVTnMRVg1dnDO0vmzC8ZLJnVzmIMO8Y=:"
    for verifier in (
        None,
        "",
        "md5" + 32 * "0",
        f"SCRAM-SHA-256$4096:{keys}",
        f"SCRAM-SHA-256$2000000000:{keys}",
    ):
        assert not fits("another", verifier)


def test_a_service_starts_with_no_settings(installation: Installation) -> None:
    installation.run(f"alter role {JOBS} set statement_timeout = 0")
    try:
        ((level, sentence),) = installation.said("logins")
        assert (level, JOBS in sentence) == ("problem", True)
    finally:
        assert installation.pat("migrate").exit_code == 0
    assert [level for level, _ in installation.said("logins")] == ["ok"]


def test_whoever_may_not_see_verifiers_is_told_of_settings(installation: Installation, login: str) -> None:
    change(installation, login, "alter role current_user password 'mine'")
    installation.run("create role onlooker login password 'onlooker' in role pat_service_migrator")
    installation.run("grant connect on database pat to onlooker")
    try:
        url = installation.postgres.url("onlooker", "onlooker", "pat")
        assert [level for level, _ in installation.said("logins", DATABASE_URL=url)] == ["ok"]
    finally:
        installation.run("drop owned by onlooker")
        installation.run("drop role onlooker")
        assert installation.pat("migrate").exit_code == 0
    assert ISSUER not in str(installation.said("logins"))
