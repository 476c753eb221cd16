"""The commands that work on a database of one's own."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.cli.conftest import SECRET, Pat, rows

from pat_platform.database.logins import ISSUER, login_name, login_password
from pat_platform.postgres import EmbeddedPostgres
from pat_platform.trail import event_hash
from pat_server.commands import audit, serve

OTHER_SECRET = "another deployment secret, just as long as it"
ADD = ["organisation", "add", "cbo-a", "--name", "Doyel", "--kind", "cbo", "--state", "West Bengal"]


def may_sign_in(url: str, login: str, generation: int) -> bool:
    """Whether the login's password is that of this generation."""
    password = login_password(SECRET.encode(), login, generation)
    try:
        psycopg.connect(url, user=login, password=password).close()
    except psycopg.OperationalError:
        return False
    return True


def test_migrate_prints_its_steps_and_makes_the_database_ready(pat: Pat, empty: str) -> None:
    done = pat("migrate", DATABASE_URL=empty, PAT_SECRET=SECRET)
    assert done.exit_code == 0, done.output
    assert done.stderr.splitlines()[:2] == ["pat: roles …", "pat: tables …"]
    assert done.stdout.startswith("The database is at this release; 6 logins stand.")
    assert pat("migrate").exit_code == 0


def test_migrate_says_that_a_user_has_too_few_rights(pat: Pat, empty: str, server: EmbeddedPostgres) -> None:
    rows(server.url(), "create role powerless login password 'p'")
    try:
        done = pat("migrate", DATABASE_URL=empty.replace("postgres:", "powerless:", 1), PAT_SECRET=SECRET)
        assert done.exit_code == 1
        assert "password in DATABASE_URL is wrong" in done.stderr
        url = server.url("powerless", "p", empty.rpartition("/")[2])
        done = pat("migrate", DATABASE_URL=url, PAT_SECRET=SECRET)
        assert done.exit_code == 1
        assert "has too few rights" in done.stderr
    finally:
        rows(server.url(), "drop role powerless")


def test_an_older_release_leaves_a_newer_database_alone(own: Pat, migrated: str) -> None:
    rows(migrated, "update migrations.versions set version_num = 'newer'")
    done = own("migrate")
    assert done.exit_code == 1
    assert "migrated by a newer release" in done.stderr


def test_an_organisation_is_added_with_its_logins(own: Pat, migrated: str) -> None:
    done = own(*ADD)
    assert done.exit_code == 0, done.output
    ((organisation, slug, kind, htcds_type),) = rows(
        migrated, "select id, slug, kind, htcds_type from app.organisations"
    )
    assert (slug, kind, htcds_type) == ("cbo-a", "CBO", "NGO")
    assert isinstance(organisation, UUID)
    assert done.stdout == f"cbo-a is organisation {organisation}, with 9 logins.\n"
    assert may_sign_in(migrated, login_name(organisation, "case_manager"), 1)
    assert own("organisation", "list").stdout.splitlines()[1].split() == [
        *("cbo-a", "CBO", "West", "Bengal", "9", "1", "Doyel"),
    ]


def test_row_security_of_the_directory_is_as_it_was(own: Pat, migrated: str) -> None:
    own(*ADD)
    own("organisation", "list")
    own("organisation", "rotate", "cbo-a")
    assert rows(
        migrated, "select relforcerowsecurity from pg_class where oid = 'app.organisations'::regclass"
    ) == [(True,)]


def test_a_slug_is_taken_once(own: Pat, migrated: str) -> None:
    own(*ADD)
    done = own(*ADD)
    assert done.exit_code == 1
    assert done.stderr == "pat: There is an organisation cbo-a already: choose another slug.\n"
    assert rows(migrated, "select count(*) from sec.logins") == [(9,)]


@pytest.mark.parametrize("slug", ["CBO-A", "cbo a", "-a", "a--b", "a" * 41, ""])
def test_a_slug_is_short_and_plain(own: Pat, slug: str) -> None:
    assert (
        own("organisation", "add", "--name", "N", "--kind", "CBO", "--state", "S", "--", slug).exit_code == 2
    )


def test_rotated_passwords_replace_the_old_ones(own: Pat, migrated: str) -> None:
    own(*ADD)
    ((organisation,),) = rows(migrated, "select id from app.organisations")
    login = login_name(UUID(str(organisation)), "case_manager")
    password = login_password(SECRET.encode(), login, 1)
    with psycopg.connect(migrated, user=login, password=password, autocommit=True) as open_before:
        told = own("organisation", "rotate", "cbo-a").stdout
        assert told == "cbo-a: 9 logins have new passwords; 1 open connections were ended.\n"
        with pytest.raises(psycopg.OperationalError):
            open_before.execute("select 1")
    assert not may_sign_in(migrated, login, 1)
    assert may_sign_in(migrated, login, 2)


def test_an_unknown_organisation_is_not_rotated(own: Pat) -> None:
    done = own("organisation", "rotate", "nowhere")
    assert done.exit_code == 1
    assert "There is no organisation nowhere" in done.stderr


def test_an_empty_directory_says_so(own: Pat) -> None:
    assert own("organisation", "list").stdout == "There is no organisation yet.\n"


@pytest.mark.parametrize("call", ["organisation list", "audit verify", "serve"])
def test_a_database_that_was_never_migrated_is_told_so(pat: Pat, empty: str, call: str) -> None:
    done = pat(*call.split(), DATABASE_URL=empty, PAT_SECRET=SECRET)
    assert done.exit_code == 1
    assert (
        done.stderr.splitlines()[0]
        == "pat: This database has not been migrated: run `python3 pat migrate` first."
    )


def test_serve_says_that_the_secret_is_another(own: Pat, migrated: str) -> None:
    done = own("serve", PAT_SECRET=OTHER_SECRET)
    assert done.exit_code == 1
    assert f"refuses the login {ISSUER}" in done.stderr
    assert OTHER_SECRET not in done.output


def test_serve_says_that_postgresql_is_too_old(own: Pat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "MINIMUM", 990000)
    done = own("serve")
    assert done.exit_code == 1
    assert "is too old: 17 or newer is needed" in done.stderr


def test_serve_says_that_the_database_is_of_an_older_release(own: Pat, migrated: str) -> None:
    rows(migrated, "update migrations.versions set version_num = '2026_11_21_01'")
    done = own("serve")
    assert done.exit_code == 1
    assert "of an older release: run `python3 pat migrate`" in done.stderr


# The trail.


@pytest.fixture
def trail(own: Pat, migrated: str) -> str:
    """A database with two organisations, each with three events in its chain. Its address."""
    own(*ADD)
    own("organisation", "add", "cbo-b", *ADD[3:])
    for (organisation,) in rows(migrated, "select id from app.organisations"):
        _record(migrated, UUID(str(organisation)))
    return migrated


def _record(url: str, organisation: UUID) -> None:
    """Let a case manager enter her session and leave three events."""
    login, person, membership, session = login_name(organisation, "case_manager"), uuid4(), uuid4(), uuid4()
    with psycopg.connect(url) as admin:
        admin.execute("insert into sec.people values (%s, %s)", (person, f"{person}@cbo.example"))
        admin.execute(
            "insert into app.memberships (organisation_id, id, person_id, role, name) values (%s, %s, %s, %s, %s)",
            (organisation, membership, person, "case_manager", "Somebody"),
        )
        admin.execute(
            "insert into sec.sessions (id, login, organisation_id, membership_id, person_id, client, expires_at)"
            " values (%s, %s, %s, %s, %s, %s, %s)",
            (
                session,
                login,
                organisation,
                membership,
                person,
                "test",
                datetime.now(UTC) + timedelta(hours=1),
            ),
        )
    password = login_password(SECRET.encode(), login, 1)
    with psycopg.connect(url, user=login, password=password) as connection:
        connection.execute("select sec.enter(%s)", (str(session),))
        for number in range(3):
            connection.execute("select trail.record('case.opened', '{}', %s)", (f'{{"n": {number}}}',))


def test_an_intact_trail_is_counted(own: Pat, trail: str) -> None:
    done = own("audit", "verify")
    assert (done.exit_code, done.output) == (0, "2 chains, 6 events: intact; 0 chains are signed.\n")


@pytest.mark.parametrize(
    ("tampering", "found"),
    [
        ("update trail.events set detail = '{}' where number = 2", "event 2 is changed"),
        ("delete from trail.events where number = 1", "event 1 is missing"),
        ("delete from trail.events where number = 3", "event 3 is cut off"),
        ("delete from trail.events", "event 1 is cut off"),
        ("delete from trail.heads", "event 1 is added"),
    ],
)
def test_the_first_event_that_does_not_fit_is_named(own: Pat, trail: str, tampering: str, found: str) -> None:
    of_b = "organisation_id = (select id from app.organisations where slug = 'cbo-b')"
    rows(trail, f"{tampering} {'and' if 'where' in tampering else 'where'} {of_b}")
    done = own("audit", "verify")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"pat: The trail is not as it was written.\ncbo-b: {found}\n"


def _write_anew(url: str) -> None:
    """Change the second event of a chain, and every hash after it: a chain that fits, by somebody who can write every table."""
    with psycopg.connect(url, row_factory=dict_row) as admin:
        chain = admin.execute(
            "select * from trail.events order by organisation_id, number limit 3"
        ).fetchall()
        chain[1]["detail"] = "{}"
        for before, event in itertools.pairwise(chain):
            event["previous"] = before["hash"]
            event["hash"] = event_hash(event)
            admin.execute(
                "update trail.events set detail = %(detail)s, previous = %(previous)s, hash = %(hash)s"
                " where organisation_id = %(organisation_id)s and number = %(number)s",
                event,
            )
        admin.execute(
            "update trail.heads set hash = %(hash)s where organisation_id = %(organisation_id)s", chain[2]
        )


def test_a_chain_that_was_written_anew_is_found_by_its_signature(own: Pat, trail: str) -> None:
    assert own("audit", "sign").output == "2 heads are signed.\n"
    assert own("audit", "sign").output == "0 heads are signed.\n"
    assert own("audit", "verify").output == "2 chains, 6 events: intact; 2 chains are signed.\n"
    _write_anew(trail)
    done = own("audit", "verify")
    assert done.exit_code == 1
    assert done.stderr.endswith(": event 3 is not what was signed\n")


def test_who_deletes_the_signatures_of_a_chain_that_was_written_anew_gets_no_others(
    own: Pat, trail: str
) -> None:
    own("audit", "sign")
    _write_anew(trail)
    rows(trail, "delete from trail.signatures")
    done = own("audit", "sign")
    assert done.exit_code == 1
    assert "They are not signed" in done.stderr
    # The other chain is as it was, and signed again.
    assert len(rows(trail, "select number from trail.signatures")) == 1
    done = own("audit", "verify")
    assert done.exit_code == 1
    assert done.stderr.endswith(": event 3 is not what was signed\n")


def test_a_chain_that_is_gone_with_its_signatures_is_found_by_what_is_kept_beside_the_keys(
    own: Pat, trail: str, tmp_path: Path
) -> None:
    own("audit", "sign")
    for table in ("events", "heads", "signatures"):
        rows(trail, f"delete from trail.{table}")
    assert own("audit", "verify").stderr.count("event 1 is cut off") == 2
    assert own("audit", "sign").exit_code == 1
    (tmp_path / "keys" / "trail-signed.json").write_text("{")
    assert "does not hold what was signed" in own("audit", "verify").stderr


def test_what_is_not_signed_is_not_found(own: Pat, trail: str) -> None:
    """That is what signing is for."""
    _write_anew(trail)
    assert own("audit", "verify").exit_code == 0


def test_events_that_were_cut_off_with_their_head_are_found_by_their_signature(own: Pat, trail: str) -> None:
    own("audit", "sign")
    rows(trail, "delete from trail.events where number = 3")
    rows(
        trail,
        "update trail.heads h set number = 2, hash = e.hash from trail.events e"
        " where e.organisation_id = h.organisation_id and e.number = 2",
    )
    assert "event 3 is cut off" in own("audit", "verify").stderr
    rows(trail, "delete from trail.events")
    rows(trail, "delete from trail.heads")
    assert "event 1 is cut off" in own("audit", "verify").stderr


@pytest.mark.parametrize(
    "forged",
    [
        "hash = sha256('')",
        "signature = 'x'",
        "signature = (select s.signature from trail.signatures s where s.organisation_id <> signatures.organisation_id)",
    ],
)
def test_a_signature_that_is_not_ours_is_named(own: Pat, trail: str, forged: str) -> None:
    own("audit", "sign")
    of_b = "organisation_id = (select id from app.organisations where slug = 'cbo-b')"
    rows(trail, f"update trail.signatures set {forged} where {of_b}")
    done = own("audit", "verify")
    assert done.stderr.splitlines()[1:] == ["cbo-b: the signature of event 3 is none of ours"]


def test_signatures_are_read_with_public_keys_and_outlive_the_key(
    own: Pat, trail: str, tmp_path: Path
) -> None:
    assert trail
    own("audit", "sign")
    public = tmp_path / "public.json"
    public.write_text(own("audit", "keys").output)
    assert "signs the trail" in own("audit", "rotate").output
    assert own("audit", "verify").exit_code == 0
    (tmp_path / "keys" / "trail-keys.json").unlink()
    assert own("audit", "verify").exit_code == 1
    assert own("audit", "verify", "--keys", str(public)).exit_code == 0
    public.write_text("{}")
    assert own("audit", "verify", "--keys", str(public)).exit_code == 1


def test_what_should_have_been_signed_long_ago_is_named(
    own: Pat, trail: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trail
    monkeypatch.setattr(audit, "LATE", timedelta(0))
    done = own("audit", "verify")
    assert "cbo-a: nothing is signed since" in done.stderr
    own("audit", "sign")
    assert own("audit", "verify").exit_code == 0
