"""What was declined before anybody said why: an older database is migrated with it, and nobody is woken."""

from __future__ import annotations

from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from tests.migrations.test_assignments import _migrate_to
from tests.support.people import named
from tests.support.wall import SECRET, Connection, insert

from pat_platform.postgres import EmbeddedPostgres
from pat_server.migrate import migrate

CBO, GOA, SURVIVOR, CASE, SOMEBODY = (named(name) for name in ("cbo", "goa", "survivor", "case", "somebody"))


def _put_referral(admin: Connection, answer: str) -> None:
    received: UUID = named("received", answer)
    sent = {"received_id": received, "case_id": CASE, "survivor_id": SURVIVOR, "to_organisation_id": GOA}
    terms = {"need": "SHELTER", "urgency": "SOON", "state": "SENT", "sent_at": "2026-01-15"}
    keys = {"organisation_id": CBO, "id": named("referral", answer), "created_by": SOMEBODY}
    insert(admin, "app.referrals", {**keys, **sent, **terms, "agreed_until": "2027-01-15"})
    said = {"referral_organisation_id": CBO, "referral_id": received, "answer": answer}
    answered = {"organisation_id": GOA, "id": named("answer", answer), "created_by": SOMEBODY, **said}
    insert(admin, "app.referral_answers", answered)


@pytest.mark.parametrize("before", ["2026_11_21_03", "2026_11_22_14"])
def test_what_was_declined_before_was_declined_for_another_reason(
    cluster: EmbeddedPostgres, before: str
) -> None:
    """The wall of a release that woke nobody lets nobody write whom to wake."""
    name = sql.Identifier(f"reasons_{before}")
    with psycopg.connect(cluster.url(), autocommit=True) as server:
        server.execute(sql.SQL("create database {}").format(name))
        url = cluster.url(database=f"reasons_{before}")
        _migrate_to(url, before)
        with psycopg.connect(url, autocommit=True) as admin:
            for id, slug, kind in ((CBO, "cbo", "CBO"), (GOA, "goa", "DESTINATION")):
                named_so: dict[str, object] = {"htcds_type": "NGO", "name": slug, "state": "West Bengal"}
                insert(admin, "app.organisations", {"id": id, "slug": slug, "kind": kind, **named_so})
            about = {"organisation_id": CBO, "created_by": SOMEBODY}
            known = {"code": "S", "gender": "Feminine", "is_minor_at_intake": False}
            insert(admin, "app.survivors", {**about, "id": SURVIVOR, **known})
            stands = {"status": "ACTIVE", "stage": "REUNITED", "risk_level": "LOW", "opened_on": "2026-01-15"}
            more = {"trafficking_status": "ActualVictimOfTrafficking", "updated_by": SOMEBODY}
            insert(
                admin,
                "app.cases",
                {**about, "id": CASE, "survivor_id": SURVIVOR, "code": "C", **stands, **more},
            )
            for answer in ("DECLINED", "ACCEPTED"):
                _put_referral(admin, answer)
            migrate(url, SECRET)
            found = admin.execute("select answer, reason from app.referral_answers order by 1").fetchall()
            assert found == [("ACCEPTED", None), ("DECLINED", "OTHER_REASON")]
            assert admin.execute("select 1 from app.referral_changes").fetchall() == []
        server.execute(sql.SQL("drop database {} with (force)").format(name))
