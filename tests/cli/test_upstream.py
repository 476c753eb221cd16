"""Organisations' own OpenID providers, from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import time
from uuid import UUID, uuid4

import pytest
from tests.cli.conftest import Pat, rows
from tests.support.provider import CLIENT, Provider, providing
from tests.support.provider import SECRET as OURS

ISSUER = "https://login.example.org"


@pytest.fixture
def with_cbo(own: Pat) -> Pat:
    added = own("organisation", "add", "cbo-a", "--name", "A", "--kind", "cbo", "--state", "West Bengal")
    assert added.exit_code == 0, added.output
    return own


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(time) as made:
        yield made


def add(pat: Pat, issuer: str, *more: str) -> UUID:
    done = pat("upstream", "add", "cbo-a", *told(issuer), *more, PAT_DEVELOPMENT="true")
    assert done.exit_code == 0, done.output
    address, _, upstream = done.stdout.strip().rpartition("/")
    assert address == "http://127.0.0.1:8000/sign-in/upstream"
    return UUID(upstream)


def told(issuer: str) -> tuple[str, ...]:
    return ("--name", "Our own", "--issuer", issuer, "--client-id", CLIENT)


def test_a_provider_is_registered_with_its_secret_sealed(
    with_cbo: Pat, migrated: str, provider: Provider, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{OURS}\n")
    upstream = add(
        with_cbo,
        provider.issuer,
        *("--secret-file", str(file), "--network", "--both", "mfa", "--both", "gold", "--inside"),
    )
    assert rows(
        migrated,
        "select name, issuer, client_id, serves, counts_as_both, is_inside, disabled_at from sec.upstreams where id = %s",
        upstream,
    ) == [("Our own", provider.issuer, CLIENT, "NETWORK", ["mfa", "gold"], True, None)]
    assert rows(migrated, "select position(%s in sealed) from sec.upstreams", OURS.encode()) == [(0,)]
    assert provider.asked == ["/.well-known/openid-configuration"]
    assert rows(
        migrated, "select action, actor, detail::json from trail.events where %s = any(subjects)", upstream
    ) == [("upstream.added", None, {"serves": "NETWORK", "countsAsBoth": ["mfa", "gold"], "inside": True})]


def test_one_that_does_not_answer_as_it_should_is_registered_with_a_warning(
    with_cbo: Pat, migrated: str, provider: Provider
) -> None:
    provider.document = {"issuer": "https://another.example"}
    done = with_cbo("upstream", "add", "cbo-a", *told(provider.issuer), PAT_DEVELOPMENT="true")
    assert done.exit_code == 0
    assert f"did not answer as {provider.issuer}: ISSUER" in done.stderr
    assert rows(migrated, "select sealed from sec.upstreams") == [(None,)]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (("--issuer", "http://login.example.org"), "must be an https address"),
        (("--issuer", f"{ISSUER}?tenant=1"), "has no query"),
        (("--client-id", "é"), "This is no client_id"),
        (("--client-id", ""), "This is no client_id"),
        (("--name", " "), "name"),
        (("--secret-file", "empty"), "is empty"),
        (("--secret-file", "picture"), "cannot be read as text"),
    ],
)
def test_what_is_no_provider_is_refused(
    with_cbo: Pat, migrated: str, tmp_path: Path, changed: tuple[str, str], sentence: str
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "picture").write_bytes(b"\xff\xfe")
    name, value = changed
    given = str(tmp_path / value) if name == "--secret-file" else value
    done = with_cbo("upstream", "add", "cbo-a", *told(ISSUER), name, given)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert rows(migrated, "select count(*) from sec.upstreams") == [(0,)]


def test_they_are_listed_with_whether_they_are_in_use(with_cbo: Pat, provider: Provider) -> None:
    assert with_cbo("upstream", "list").stdout == "There is no provider yet.\n"
    stands, gone = add(with_cbo, provider.issuer), add(with_cbo, provider.issuer, "--network")
    assert with_cbo("upstream", "disable", str(gone)).exit_code == 0
    header, *lines = with_cbo("upstream", "list").stdout.splitlines()
    assert header.split()[:3] == ["ID", "ORGANISATION", "SERVES"]
    told = {line.split()[0]: line.split()[1:5] for line in lines}
    assert told == {
        str(stands): ["cbo-a", "organisation", "in", "use"],
        str(gone): ["cbo-a", "network", "disabled", "0"],
    }


def test_whoever_has_come_through_one_that_is_disabled_is_signed_out(
    with_cbo: Pat, migrated: str, provider: Provider
) -> None:
    upstream, other = add(with_cbo, provider.issuer), add(with_cbo, provider.issuer)
    sessions = {each: come_through(migrated, each) for each in (upstream, other)}
    done = with_cbo("upstream", "disable", str(upstream))
    assert done.stdout == f"{upstream} is disabled; 1 session has ended.\n"
    ended = "select id, revoked_because from sec.sessions where id = any(%s)"
    assert set(rows(migrated, ended, list(sessions.values()))) == {
        (sessions[upstream], "upstream disabled"),
        (sessions[other], None),
    }
    assert rows(migrated, "select upstream_id from sec.browsers where ended_at is not null") == [(upstream,)]
    assert rows(migrated, "select action, detail::json from trail.events order by number desc limit 1") == [
        ("upstream.disabled", {"sessions": 1})
    ]
    again = with_cbo("upstream", "disable", str(upstream))
    assert (again.exit_code, "There is no such provider" in again.stderr) == (1, True)


def test_of_whoever_is_disabled_no_provider_means_anybody(
    with_cbo: Pat, migrated: str, provider: Provider
) -> None:
    upstream = add(with_cbo, provider.issuer)
    come_through(migrated, upstream)
    ((person, email),) = rows(migrated, "select id, email from sec.people")
    rows(
        migrated,
        "insert into sec.upstream_identities (upstream_id, subject, person_id) values (%s, 'asha', %s)",
        *(upstream, person),
    )
    assert with_cbo("upstream", "list").stdout.splitlines()[1].split()[5] == "1"
    assert with_cbo("person", "disable", str(email)).exit_code == 0
    assert with_cbo("person", "enable", str(email)).exit_code == 0
    assert with_cbo("upstream", "list").stdout.splitlines()[1].split()[5] == "0"


def come_through(url: str, upstream: UUID) -> UUID:
    """Somebody has signed in through it; her session."""
    person, membership, browser, session = (uuid4() for _ in range(4))
    ((organisation, login),) = rows(
        url, "select organisation_id, login from sec.logins where role = 'case_manager'"
    )
    rows(url, "insert into sec.people (id, email) values (%s, %s)", person, f"{person}@cbo-a.example")
    rows(
        url,
        "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, 'case_manager', 'M')",
        *(organisation, membership, person),
    )
    rows(
        url,
        "insert into sec.browsers (id, secret_hash, person_id, upstream_id, expires_at)"
        " values (%s, %s, %s, %s, now() + interval '1 hour')",
        *(browser, browser.bytes, person, upstream),
    )
    rows(
        url,
        "insert into sec.upstream_visits (state_hash, upstream_id, browser_id, created_at, expires_at, used_at)"
        " values (%s, %s, %s, now() - interval '1 minute', now(), now() - interval '1 minute')",
        *(browser.bytes, upstream, browser),
    )
    rows(
        url,
        "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, browser_id, expires_at)"
        " values (%s, %s, %s, %s, %s, 'tests', %s, now() + interval '1 hour')",
        *(session, login, organisation, membership, person, browser),
    )
    return session
