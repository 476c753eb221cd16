"""The drill: everything is lost but the backup, the secret and the keys."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.backup.conftest import pat_on
from tests.cli.running import free_port
from tests.server.conftest import Network, serving

from pat_platform.database.logins import login_password
from pat_tenants.isolation.lint import lint

QUESTIONS = {
    "manager@cbo-a.example": "{ cases(first: 40, orderBy: OPENED_ON_ASC) { totalCount edges { cursor node { id code status"
    " survivor { identity { __typename ... on SurvivorIdentity { firstName phone } } }"
    " notes(first: 5) { edges { node { kind body { __typename ... on NoteText { text } } } } }"
    " legalProceedings { jurisdiction hearings { heldOn } } } } } }",
    "facilitator@cbo-b.example": "{ selfHelpGroups { totalCount edges { node { id name savingsTotal } } } }",
    "worker@goa.example": "{ referrals(direction: RECEIVED) { totalCount edges { node { id need status } } } }",
}


def answers(network: Network) -> dict[str, bytes]:
    """What a server on this network answers, byte by byte."""
    found = {}
    with serving(network.settings) as url, httpx.Client(base_url=url, timeout=60) as client:
        for email, question in QUESTIONS.items():
            token = network.token(network.principal(email))
            answer = client.post(
                "/graphql", json={"query": question}, headers={"authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200, answer.text
            assert "errors" not in answer.json()
            found[email] = answer.content
    return found


@pytest.mark.slow
def test_a_backup_a_secret_and_the_keys_are_the_whole_network(
    network: Network, archive: Path, elsewhere: Network
) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    before = answers(network)
    pat = pat_on(elsewhere)
    done = pat("restore", str(archive))
    assert done.exit_code == 0, done.output

    # Nothing that was restored serves before the migration.
    assert elsewhere.rows("select rolname from pg_roles where rolcanlogin and rolname ~ '^org_'") == []
    assert "refuses the login" in pat("serve", "--port", str(free_port())).stderr
    assert elsewhere.rows("select count(*) from sec.sessions") == [(0,)]

    done = pat("migrate")
    assert done.exit_code == 0, done.output
    with psycopg.connect(elsewhere.admin_url) as connection:
        assert lint(connection) == []
    for login, generation in elsewhere.rows("select login, generation from sec.logins limit 3"):
        password = login_password(elsewhere.settings.secret, login, generation)
        psycopg.connect(elsewhere.postgres.url(login, password, "network")).close()
    verified = pat("audit", "verify")
    assert "intact" in verified.stdout, verified.output
    assert verified.stdout.split()[0] != "0"
    assert elsewhere.counted() == network.counted()
    assert answers(elsewhere) == before


def test_what_a_restored_database_lets_each_role_do_is_what_it_let_it_do_before(
    network: Network, archive: Path, elsewhere: Network
) -> None:
    catalogue = (
        "select 'policy', p::text from pg_policies p union all"
        " select 'table', n.nspname || '.' || c.relname || ' ' || pg_get_userbyid(c.relowner) || ' ' || c.relrowsecurity"
        " || c.relforcerowsecurity || array(select unnest(coalesce(c.relacl, acldefault('r', c.relowner)))::text order by 1)::text"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('app', 'sec', 'trail', 'door')"
        " and c.relkind in ('r', 'v') union all"
        " select 'function', p.oid::regprocedure || pg_get_userbyid(p.proowner) || array(select"
        " unnest(coalesce(p.proacl, acldefault('f', p.proowner)))::text order by 1)::text from pg_proc p"
        " where pronamespace::regnamespace::text in ('app', 'sec', 'trail')"
        " order by 1, 2"
    )
    pat = pat_on(elsewhere)
    assert pat("restore", str(archive)).exit_code == 0
    assert elsewhere.rows(catalogue) == network.rows(catalogue)
