"""The registry of clients, from the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from joserfc.jwk import ECKey
from tests.cli.conftest import Pat, rows

ADD = ["client", "add", "cbo-a", "--name", "Case book", "--redirect-uri", "https://app.example.org/back"]


@pytest.fixture
def with_cbo(own: Pat) -> Pat:
    for slug in ("cbo-a", "cbo-b"):
        added = own("organisation", "add", slug, "--name", slug, "--kind", "cbo", "--state", "West Bengal")
        assert added.exit_code == 0, added.output
    return own


def added(pat: Pat, *more: str) -> UUID:
    done = pat(*ADD, *more)
    assert done.exit_code == 0, done.output
    return UUID(done.stdout.strip())


def events(url: str, client: UUID) -> list[tuple[object, ...]]:
    return rows(
        url,
        "select action, actor, detail::json from trail.events where %s = any(subjects) order by number",
        client,
    )


def test_a_client_is_registered_and_its_id_printed(with_cbo: Pat, migrated: str) -> None:
    client = added(
        with_cbo,
        *("--scope", "identity", "--scope", "cases"),
        *("--origin", "https://app.example.org", "--logout-uri", "https://app.example.org/bye"),
    )
    assert rows(
        migrated,
        "select o.slug, c.name, c.kind, c.serves, c.redirect_uris, c.logout_uris, c.origins, c.scopes, c.disabled_at"
        " from app.clients c join app.organisations o on o.id = c.organisation_id where c.id = %s",
        client,
    ) == [
        (
            "cbo-a",
            "Case book",
            "PUBLIC",
            "ORGANISATION",
            ["https://app.example.org/back"],
            ["https://app.example.org/bye"],
            ["https://app.example.org"],
            ["cases", "identity"],
            None,
        )
    ]


def test_only_the_operator_registers_a_client_for_the_whole_network(with_cbo: Pat, migrated: str) -> None:
    client = added(with_cbo, "--network", "--scope", "cases")
    assert rows(migrated, "select serves from app.clients where id = %s", client) == [("NETWORK",)]


def test_what_the_operator_does_is_in_the_trail_as_nobodys(with_cbo: Pat, migrated: str) -> None:
    client = added(with_cbo, "--scope", "cases")
    with_cbo("client", "disable", str(client))
    assert events(migrated, client) == [
        ("client.registered", None, {"kind": "PUBLIC", "serves": "ORGANISATION", "scopes": ["cases"]}),
        ("client.disabled", None, {"sessions": 0}),
    ]
    assert "intact" in with_cbo("audit", "verify").output


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--redirect-uri", "http://app.example.org/"), "Write each address whole"),
        (("--redirect-uri", "http://localhost:5173/back"), "Write each address whole"),
        (("--logout-uri", "https://app.example.org/*"), "Write each address whole"),
        (("--origin", "*"), "Write each origin as browsers do"),
        (("--scope", "everything"), "'everything' is not one of"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    with_cbo: Pat, migrated: str, more: tuple[str, ...], said: str
) -> None:
    done = with_cbo(*ADD, *more)
    assert done.exit_code in (1, 2)
    assert said in done.stderr
    assert rows(migrated, "select 1 from app.clients") == []


def test_a_developers_server_lets_people_be_sent_back_to_her_own_machine(with_cbo: Pat) -> None:
    done = with_cbo(*ADD, "--redirect-uri", "http://localhost:5173/back", PAT_DEVELOPMENT="true")
    assert done.exit_code == 0, done.output


def test_an_organisation_that_there_is_not_has_no_clients(with_cbo: Pat) -> None:
    for command in (["client", "add", "cbo-z", *ADD[3:]], ["client", "list", "cbo-z"]):
        done = with_cbo(*command)
        assert done.exit_code == 1
        assert "There is no organisation cbo-z" in done.stderr


def test_clients_are_listed_with_whether_they_are_in_use(with_cbo: Pat) -> None:
    assert with_cbo("client", "list").stdout == "There is no client yet.\n"
    client, gone = added(with_cbo, "--scope", "cases"), added(with_cbo)
    with_cbo("client", "disable", str(gone))
    lines = with_cbo("client", "list").stdout.splitlines()
    assert lines[0].split()[:2] == ["CLIENT_ID", "ORGANISATION"]
    told = {line.split()[0]: line for line in lines[1:]}
    assert "in use" in told[str(client)]
    assert told[str(client)].endswith("cases")
    assert "disabled" in told[str(gone)]
    assert with_cbo("client", "list", "cbo-b").stdout == "There is no client yet.\n"


def test_row_security_of_the_registry_is_as_it_was(with_cbo: Pat, migrated: str) -> None:
    client = added(with_cbo)
    with_cbo("client", "list")
    with_cbo("client", "disable", str(client))
    forced = (
        "select bool_and(relforcerowsecurity) from pg_class where oid in"
        " ('app.clients'::regclass, 'app.client_keys'::regclass, 'app.organisations'::regclass)"
    )
    assert rows(migrated, forced) == [(True,)]


def test_whoever_is_signed_in_to_a_disabled_client_is_signed_out(with_cbo: Pat, migrated: str) -> None:
    client, other = added(with_cbo), added(with_cbo)
    for each in (client, other):
        a_session(migrated, each)
    done = with_cbo("client", "disable", str(client))
    assert done.stdout == f"{client} is disabled; 1 session has ended.\n"
    assert rows(migrated, "select client, revoked_because from sec.sessions order by revoked_because") == [
        (str(client), "client disabled"),
        (str(other), None),
    ]


def a_session(url: str, client: UUID) -> None:
    person, membership = uuid4(), uuid4()
    ((organisation, login),) = rows(
        url,
        "select o.id, l.login from app.organisations o join sec.logins l on l.organisation_id = o.id"
        " where o.slug = 'cbo-a' and l.role = 'case_manager'",
    )
    rows(url, "insert into sec.people (id, email) values (%s, %s)", person, f"{person}@cbo-a.example")
    rows(
        url,
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, 'case_manager', 'M')",
        organisation,
        membership,
        person,
    )
    rows(
        url,
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
        " values (%s, %s, %s, %s, %s, %s, %s)",
        uuid4(),
        login,
        organisation,
        membership,
        person,
        str(client),
        datetime.now(UTC) + timedelta(hours=1),
    )


@pytest.mark.parametrize("command", ["disable", "rotate"])
def test_a_client_that_there_is_not_or_no_more_is_named_so(
    with_cbo: Pat, tmp_path: Path, command: str
) -> None:
    gone = added(with_cbo)
    with_cbo("client", "disable", str(gone))
    more = [a_key_file(tmp_path)] if command == "rotate" else []
    for client in (uuid4(), gone):
        done = with_cbo("client", command, str(client), *more)
        assert done.exit_code == 1
        assert "There is no such client, or it is disabled" in done.stderr


def a_key_file(folder: Path, **more: str) -> str:
    path = folder / f"{uuid4()}.json"
    path.write_text(json.dumps({**ECKey.generate_key("P-256").as_dict(private=False), **more}))
    return str(path)


def test_the_key_of_a_client_that_signs_is_renewed(with_cbo: Pat, migrated: str, tmp_path: Path) -> None:
    client = added(with_cbo)
    rows(migrated, "update app.clients set kind = 'MACHINE' where id = %s", client)
    for kid in ("first", "second", "third"):
        done = with_cbo("client", "rotate", str(client), a_key_file(tmp_path, kid=kid))
        assert done.stdout == f"{client} signs with {kid} from now on.\n"
    believed = "select kid from app.client_keys where retired_at is null order by created_at"
    assert rows(migrated, believed) == [("second",), ("third",)]
    with_cbo("client", "rotate", str(client), a_key_file(tmp_path, kid="new"), "--retire-others")
    assert rows(migrated, believed) == [("new",)]
    assert [event[0] for event in events(migrated, client)][1:] == ["client_key.rotated"] * 4


def test_a_machine_is_registered_with_its_key(with_cbo: Pat, migrated: str, tmp_path: Path) -> None:
    add = ["client", "add", "cbo-a", "--name", "Machine", "--kind", "machine", "--scope", "cases"]
    for more, said in (
        (("--key", a_key_file(tmp_path), "--network"), "and for no other"),
        (("--key", a_key_file(tmp_path), "--redirect-uri", "https://app.example.org/"), "a machine"),
    ):
        assert said in with_cbo(*add, *more).stderr
    assert "Give the public key" in with_cbo(*add).stderr
    done = with_cbo(*add, "--key", a_key_file(tmp_path, kid="first"))
    assert done.exit_code == 0, done.output
    keys = rows(migrated, "select client_id, kid from app.client_keys")
    assert keys == [(UUID(done.stdout.strip()), "first")]


def test_what_is_no_key_is_refused(with_cbo: Pat, migrated: str, tmp_path: Path) -> None:
    client = added(with_cbo)
    public = with_cbo("client", "rotate", str(client), a_key_file(tmp_path))
    assert "signs in without a key" in public.stderr
    rows(migrated, "update app.clients set kind = 'MACHINE' where id = %s", client)
    private = tmp_path / "private.json"
    private.write_text(json.dumps(ECKey.generate_key("P-256").as_dict(private=True)))
    assert "private key" in with_cbo("client", "rotate", str(client), str(private)).stderr
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert (
        "cannot be read as text" in with_cbo("client", "rotate", str(client), str(tmp_path / "binary")).stderr
    )
