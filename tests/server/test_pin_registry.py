"""The link by which a survivor chooses a name and a PIN."""

from __future__ import annotations

import psycopg
import pytest
from tests.server.conftest import Network

from pat_auth.issuer.taking_up import hash_of_token
from pat_platform.errors import Refused
from pat_server.pin_registry import invite_survivor


def test_a_record_is_given_a_person_once_and_a_link_each_time(network: Network) -> None:
    ((organisation, code),) = network.rows(
        "select s.organisation_id, s.code from app.survivors s join app.organisations o on o.id = s.organisation_id"
        " where o.slug = 'cbo-a' and not exists (select from app.memberships m where m.survivor_id = s.id) limit 1"
    )
    with psycopg.connect(network.admin_url) as admin:
        found = []
        for _ in range(2):
            token = invite_survivor(admin, organisation, code=code, name="Kestrel")
            row = admin.execute(
                "select p.id, p.email, m.role from sec.people p join app.memberships m on m.person_id = p.id"
                " where p.link_hash = %s",
                (hash_of_token(token),),
            ).fetchone()
            assert row is not None
            found.append(row)
        assert found[0] == found[1]
        assert found[0][1:] == (None, "survivor")
        admin.execute("update sec.people set disabled_at = now() where id = %s", (found[0][0],))
        with pytest.raises(Refused) as disabled:
            invite_survivor(admin, organisation, code=code, name="Kestrel")
        assert disabled.value.code == "PERSON_DISABLED"
        with pytest.raises(Refused) as unknown:
            invite_survivor(admin, organisation, code="nobody", name="Kestrel")
        assert unknown.value.code == "SURVIVOR_UNKNOWN"
        admin.rollback()
