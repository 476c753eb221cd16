"""Codes that were handed out and not exchanged yet end with all else that is hers, also where the browser is somebody else's by now."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from tests.support.granting import Granting, refused, told

from pat_auth.issuer.accounts import leave_elsewhere, leave_everywhere
from pat_auth.issuer.authorizing import Redirect
from pat_auth.issuer.browsers import forget_person
from pat_auth.policy import Role

TOKEN = sha256(b"token").digest()


def leaves(granting: Granting) -> None:
    with granting.connections.transaction() as connection:
        leave_everywhere(connection, granting.service, granting.who.person)


def leaves_elsewhere(granting: Granting) -> None:
    with granting.connections.transaction() as connection:
        leave_elsewhere(connection, granting.service, granting.who.person, granting.browser)


def resets(granting: Granting) -> None:
    person = granting.who.person
    granting.rows("insert into sec.secrets (person_id, kind, hash) values (%s, 'PASSWORD', 'hash')", person)
    granting.rows(
        "insert into sec.resets (key, token_hash, person_id, replaces, expires_at)"
        " values (%s, %s, %s, sha256('hash'), now() + interval '1 hour')",
        *(TOKEN, TOKEN, person),
    )
    with granting.connections.transaction() as connection:
        assert connection.execute(
            "select sec.reset_password(%s, 'another', 1::smallint)", (TOKEN,)
        ).fetchone() != (None,)


def ends_all(granting: Granting) -> None:
    """By a call of the API."""
    connection, who = granting.connections.connection, granting.who
    with connection.transaction():
        connection.execute(f"set local session authorization {who.login}".encode())
        connection.execute("select set_config('pat.session', %s, true)", (str(who.session),))
        connection.execute("select sec.end_my_sessions()")
        connection.execute("set local session authorization default")


def chooses_a_pin(granting: Granting) -> None:
    link = "update sec.people set link_hash = %s, link_until = now() + interval '1 hour' where id = %s"
    granting.rows(link, TOKEN, granting.who.person)
    with granting.connections.transaction() as connection:
        kept = connection.execute("select sec.begin_pin(%s, 'kestrel', 'pin', null)", (TOKEN,)).fetchone()
    assert kept == (True,)


def is_withdrawn(granting: Granting) -> None:
    """By her manager."""
    manager = granting.wall.member("cbo-a", Role.CASE_MANAGER)
    pin = "insert into sec.secrets (person_id, kind, hash) values (%s, 'PIN', 'pin')"
    granting.rows(pin, granting.who.person)
    connection = granting.connections.connection
    with connection.transaction():
        connection.execute(f"set local session authorization {manager.login}".encode())
        connection.execute("select set_config('pat.session', %s, true)", (str(manager.session),))
        survivor = granting.wall.id("app.survivors", "cbo-a", "hers")
        assert connection.execute("select sec.withdraw_link(%s)", (survivor,)).fetchone() == (True,)
        connection.execute("set local session authorization default")


@pytest.mark.parametrize(
    ("role", "ending"),
    [
        (Role.CASE_MANAGER, leaves),
        (Role.CASE_MANAGER, leaves_elsewhere),
        (Role.CASE_MANAGER, resets),
        (Role.CASE_MANAGER, ends_all),
        (Role.SURVIVOR, chooses_a_pin),
        (Role.SURVIVOR, is_withdrawn),
    ],
)
def test_a_code_ends_where_the_browser_keeps_nothing_of_her(
    granting: Granting, role: Role, ending: Callable[[Granting], None]
) -> None:
    granting.become("cbo-a", role)
    done = granting.conclude(granting.wish())
    assert isinstance(done, Redirect)
    with granting.connections.transaction() as connection:
        forget_person(connection, granting.browser)
    ending(granting)
    assert refused(granting.exchange(told(done)["code"])) == (400, "invalid_grant")


def test_whoever_exchanges_a_code_holds_its_owner_before_the_code(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As whoever ends both does: in another order each would wait for the other."""
    said, execute = list[str](), granting.connections.connection.execute
    code = granting.code()

    def listening(query: object, *more: object, **values: object) -> object:
        said.append(str(query))
        return execute(query, *more, **values)  # type: ignore[call-overload]  # passed on

    monkeypatch.setattr(granting.connections.connection, "execute", listening)
    granting.exchange(code)
    assert any("from sec.people" in query and query.endswith("for share") for query in said)
