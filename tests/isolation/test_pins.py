"""How a survivor chooses a name and a PIN: by her own link, once, and what is hers alone begins anew."""

from __future__ import annotations

import pytest
from tests.isolation.tables import Changes, Rows, changes_between, rows_of
from tests.isolation.test_sign_in_login import ask
from tests.support.people import Member, named
from tests.support.wall import Connection, Wall, as_superuser

from pat_auth.policy import Role
from pat_platform.database.logins import SIGN_IN

BEGIN = "select sec.begin_pin(%s, 'kestrel', 'another', %s)"

# What says how somebody comes in, by what its rows are known by.
WAYS_IN = {
    "sec.people": "id",
    "sec.secrets": "person_id, kind",
    "sec.codes": "convert_from(hash, 'UTF8')",
    "sec.browsers": "id",
    "sec.sessions": "id",
    "sec.resets": "convert_from(key, 'UTF8')",
    "app.memberships": "organisation_id, id",
}


def ways_in(admin: Connection) -> Rows:
    """Every way in of everybody."""
    return rows_of(admin, WAYS_IN)


def changes(admin: Connection, before: Rows) -> Changes:
    """What is otherwise than before."""
    return changes_between(before, ways_in(admin))


def put_ways_in(admin: Connection, member: Member) -> None:
    """All that somebody may come in by, and beside each what was over long ago."""
    for kind in ("PASSWORD", "PIN", "DURESS"):
        admin.execute(
            "insert into sec.secrets (person_id, kind, hash, changed_at) values (%s, %s, %s, 'epoch')"
            " on conflict (person_id, kind) do update set hash = excluded.hash, changed_at = 'epoch'",
            (member.person, kind, f"{member.name} {kind}"),
        )
    for label, over in (("open", None), ("over", "epoch")):
        browser = named(member.name, label)
        admin.execute(
            "insert into sec.browsers (id, secret_hash, person_id, expires_at, ended_at)"
            " values (%s, %s, %s, now() + interval '1 day', %s)",
            (browser, browser.bytes, member.person, over),
        )
        admin.execute(
            "insert into sec.codes (hash, person_id, client, membership_id, organisation_id, browser_id, redirect_uri, scopes,"
            " challenge, auth_time, acr, amr, expires_at, used_at) values (%s, %s, gen_random_uuid(), %s, %s, %s, '', '{}',"
            " '', now(), '2', '{}', now() + interval '1 minute', %s)",
            (
                *(f"{member.name} {label}".encode(), member.person),
                *(member.membership, member.organisation, browser, over),
            ),
        )
    admin.execute(
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', now())",
        (
            *(named(member.name, "over"), member.login),
            *(member.organisation, member.membership, member.person),
        ),
    )


def all_ended(admin: Connection, member: Member, because: str) -> Changes:
    """What becomes of somebody's ways in when all that is open of them ends."""
    now = ask(admin, "select to_jsonb(now())")
    return {
        ("sec.codes", f"{member.name} open"): {"used_at": now},
        ("sec.browsers", str(named(member.name, "open"))): {"ended_at": now},
        ("sec.sessions", str(member.session)): {"revoked_at": now, "revoked_because": because},
    }


def put_link(admin: Connection, member: Member, token: bytes) -> None:
    admin.execute(
        "update sec.people set link_hash = %s, link_until = now() + interval '1 hour' where id = %s",
        (token, member.person),
    )


def begun(admin: Connection, token: bytes = b"hers", duress: str | None = "the other") -> bool | None:
    """Whether she has chosen; None for a link that is over."""
    with as_superuser(admin, SIGN_IN, None):
        done: bool | None = ask(admin, BEGIN, token, duress)
    return done


@pytest.fixture
def hers(wall: Wall, admin: Connection) -> Member:
    """She holds a link, and so do the survivor whose record was made before hers, and one of another organisation."""
    member = wall.member("cbo-a", Role.SURVIVOR)
    for each, token in (
        (wall.member("cbo-a", Role.SURVIVOR, 2), b"another's"),
        (member, b"hers"),
        (wall.member("cbo-b", Role.SURVIVOR), b"elsewhere"),
    ):
        put_ways_in(admin, each)
        put_link(admin, each, token)
    return member


@pytest.mark.parametrize("duress", ["the other", None])
def test_whoever_holds_the_link_chooses_for_herself_and_all_that_was_open_of_hers_ends(
    admin: Connection, hers: Member, duress: str | None
) -> None:
    before, now = ways_in(admin), ask(admin, "select to_jsonb(now())")
    assert begun(admin, duress=duress) is True
    assert changes(admin, before) == {
        ("sec.people", str(hers.person)): {"sign_in_name": "kestrel", "link_hash": None, "link_until": None},
        ("sec.secrets", f"{hers.person} PIN"): {"hash": "another", "changed_at": now},
        ("sec.secrets", f"{hers.person} DURESS"): duress and {"hash": duress, "changed_at": now},
        **all_ended(admin, hers, "pin changed"),
    }
    assert begun(admin) is None


REFUSALS = {
    "it has expired": "update sec.people set link_until = now() where id = %(person)s",
    "she is disabled": "update sec.people set disabled_at = now() where id = %(person)s",
    "it was withdrawn": "update sec.people set link_hash = null where id = %(person)s",
    "she is no survivor": "update app.memberships set role = 'auditor' where id = %(membership)s",
    "she is one no more": "update app.memberships set ended_at = now() where id = %(membership)s",
    "she is nobody's member": "update app.memberships set person_id = gen_random_uuid() where id = %(membership)s",
}


@pytest.mark.parametrize("reason", REFUSALS)
def test_by_her_link_nothing_is_chosen_when(admin: Connection, hers: Member, reason: str) -> None:
    known = {"person": hers.person, "membership": hers.membership}
    assert admin.execute(REFUSALS[reason].encode(), known).rowcount == 1
    before = ways_in(admin)
    assert begun(admin) is None
    assert changes(admin, before) == {}


def test_by_a_link_that_is_nobodys_nothing_is_chosen(admin: Connection, hers: Member) -> None:
    before = ways_in(admin)
    assert begun(admin, b"nobody's") is None
    assert changes(admin, before) == {}


def test_a_name_that_is_somebodys_is_not_chosen_and_the_link_stands(
    wall: Wall, admin: Connection, hers: Member
) -> None:
    admin.execute(
        "update sec.people set sign_in_name = 'kestrel' where id = %s",
        (wall.member("cbo-b", Role.COUNSELLOR).person,),
    )
    before = ways_in(admin)
    assert begun(admin) is False
    assert changes(admin, before) == {}
