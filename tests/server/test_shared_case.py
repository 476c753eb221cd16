"""What a receiver reads of a case, scope by scope, over HTTP: until it ends, and recorded where it is told who she is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import Sharing, do, global_id, organisation
from tests.server.test_hearings import act, proceeding

from pat_platform.database.logins import login_name, login_password
from pat_tenants.cases.service import today

ALL = ("LEGAL_STATUS", "HEARING_SCHEDULE", "IDENTITY_MINIMAL", "CONTACT_SAFE", "RISK_SAFETY")
PARTS = {
    "legalStatus": ("LEGAL_STATUS", "SharedLegalStatus", "proceedings { jurisdiction state stage }"),
    "schedule": ("HEARING_SCHEDULE", "SharedSchedule", "hearings { heldOn state courtPoint }"),
    "identity": ("IDENTITY_MINIMAL", "SharedIdentity", "firstName alias gender ageBand primaryLanguage"),
    "contact": ("CONTACT_SAFE", "SharedContact", "phone primaryLanguage"),
    "risk": ("RISK_SAFETY", "SharedRisk", "level"),
}
SELECTED = " ".join(
    f"{part} {{ __typename ... on {kind} {{ {fields} }} ... on Withheld {{ reason }} }}"
    for part, (_, kind, fields) in PARTS.items()
)
SHARED = f"query($id: ID!) {{ referral(id: $id) {{ sharedCase {{ pseudonym expiresAt {SELECTED} }} }} }}"


DOORS = (
    "received_referrals",
    "received_cases",
    "received_proceedings",
    "received_hearings",
    "received_support",
    "received_identities",
    "received_contacts",
)
SENDER = {f"{view}.keeper_id" for view in DOORS} | {"received_referrals.from_organisation_id"}
"""Who sends is no secret between receivers."""


@pytest.fixture(scope="module")
def wide(network: Network) -> Any:
    """All that may be shared is signed for with Goa and with Delhi; it is taken back afterwards."""
    network.rows(
        "create table public.signed as select organisation_id, partner_id, scopes from app.agreements"
    )
    network.rows("update app.agreements set scopes = %s", list(ALL))
    yield
    network.rows(
        "update app.agreements a set scopes = s.scopes from public.signed s"
        " where (s.organisation_id, s.partner_id) = (a.organisation_id, a.partner_id)"
    )
    network.rows("drop table public.signed")


def accepted(sharing: Sharing, *scopes: str) -> str:
    """The id under which the receiver has a referral that it has accepted."""
    received = sharing.received(sharing.sent(sharing.agreed(scopes=list(scopes))))
    assert do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")["status"] == "ACCEPTED"
    return received


def told(sharing: Sharing, received: str) -> list[str]:
    """The classes that the receiver's trail has as read under the referral."""
    rows = sharing.network.rows(
        "select detail::jsonb -> 'classes' from trail.events where action = 'record.read' and %s = any(subjects)"
        " and organisation_id = %s order by number",
        uuid_in(received),
        organisation(sharing.network, sharing.to),
    )
    return sorted({each for (classes,) in rows for each in classes})


@pytest.mark.usefixtures("wide")
@pytest.mark.parametrize("part", PARTS)
def test_one_scope_opens_one_part_and_no_other(network: Network, act_as: Act, part: str) -> None:
    sharing = Sharing(network, act_as, number=6)
    scope, kind, _ = PARTS[part]
    seen = sharing.worker.ask(SHARED, id=accepted(sharing, scope))["referral"]["sharedCase"]
    assert seen[part]["__typename"] == kind
    for other in set(PARTS) - {part}:
        assert seen[other] == {"__typename": "Withheld", "reason": "NOT_SHARED"}


@pytest.mark.usefixtures("wide")
def test_all_of_it_is_the_senders_own_and_is_recorded_under_the_referral(
    network: Network, act_as: Act
) -> None:
    sharing = Sharing(network, act_as, number=6)
    proceeding(sharing)
    opened = sharing.manager.ask(
        "query($id: ID!) { case(id: $id) { riskLevel survivor { gender ageBand primaryLanguage"
        " identity { ... on SurvivorIdentity { firstName alias phone } } } } }",
        id=global_id("Case", sharing.case()[0]),
    )["case"]
    received = accepted(sharing, *ALL)
    seen = sharing.worker.ask(SHARED, id=received)["referral"]["sharedCase"]
    hers = opened["survivor"]
    identity = hers["identity"]
    assert identity["firstName"]
    assert seen["identity"] == {
        "__typename": "SharedIdentity",
        "firstName": identity["firstName"],
        "alias": identity["alias"],
        **{name: hers[name] for name in ("gender", "ageBand", "primaryLanguage")},
    }
    assert seen["contact"]["phone"] == identity["phone"]
    assert seen["risk"]["level"] == opened["riskLevel"]
    assert seen["legalStatus"]["proceedings"]
    assert seen["expiresAt"] == sharing.seen(referral_of(sharing, received))["agreedUntil"]
    assert told(sharing, received) == ["hearing_schedule", "identity", "legal_status", "risk"]


def referral_of(sharing: Sharing, received: str) -> str:
    """The sender's own id of a referral."""
    (row,) = sharing.network.rows("select id from app.referrals where received_id = %s", uuid_in(received))
    return global_id("Referral", row[0])


@pytest.mark.usefixtures("wide")
def test_what_is_withheld_is_not_recorded_as_read(network: Network, act_as: Act) -> None:
    sharing = Sharing(network, act_as, number=6)
    received = accepted(sharing, "RISK_SAFETY")
    sharing.worker.ask(SHARED, id=received)
    assert told(sharing, received) == ["risk"]
    log = (
        "{ me { accessLog(first: 1) { edges { node { classes sentence(language: EN) referral { id } } } } } }"
    )
    (line,) = [edge["node"] for edge in sharing.survivor.ask(log)["me"]["accessLog"]["edges"]]
    assert line["classes"] == ["RISK"]
    assert line["referral"] == {"id": referral_of(sharing, received)}
    assert line["sentence"].endswith(": how you are.")


@pytest.mark.usefixtures("wide")
def test_two_receivers_cannot_lay_what_they_have_side_by_side(network: Network, act_as: Act) -> None:
    goa, delhi = (Sharing(network, act_as, number=6, to=to) for to in ("goa", "delhi"))
    document = "query($id: ID!) { referral(id: $id) { sharedCase { pseudonym } } }"

    def name(sharing: Sharing) -> str:
        received = accepted(sharing, *ALL)
        pseudonym: str = sharing.worker.ask(document, id=received)["referral"]["sharedCase"]["pseudonym"]
        return pseudonym

    assert name(goa) == name(goa) != name(delhi)
    other = Sharing(network, act_as, number=4, to="goa")
    assert name(other) != name(goa)


@pytest.mark.usefixtures("wide")
def test_in_sql_too_they_have_nothing_in_common_but_what_is_sealed(network: Network, act_as: Act) -> None:
    """A sealed value is one survivor's, and so is what opens it: a receiver's login sees both (docs/isolation.md)."""
    seen: list[dict[str, set[object]]] = []
    for to in ("goa", "delhi"):
        sharing = Sharing(network, act_as, number=6, to=to)
        day = {"proceedingId": proceeding(sharing), "heldOn": today().isoformat(), "mode": "VIDEO"}
        act(sharing.manager, "scheduleHearing", "Hearing", **day)
        received = accepted(sharing, *ALL)
        principal = sharing.worker.principal
        login = login_name(principal.organisation, principal.role)
        password = login_password(network.settings.secret, login, 1)
        url = network.postgres.url(user=login, password=password, database="network")
        values: dict[str, set[object]] = {}
        with psycopg.connect(url, row_factory=dict_row) as connection:
            connection.execute("select sec.enter(%s)", (str(principal.session),))
            for view in DOORS:
                key = "id" if view == "received_referrals" else "referral_id"
                rows = connection.execute(
                    f"select * from door.{view} where {key} = %s".encode(), (uuid_in(received),)
                ).fetchall()
                assert rows, view
                for row in rows:
                    for column, value in row.items():
                        if isinstance(value, UUID | bytes):
                            values.setdefault(f"{view}.{column}", set()).add(value)
        seen.append(values)
    ours, theirs = seen
    assert {column for column in ours if ours[column] & theirs[column]} - SENDER == {
        *(f"received_identities.{column}" for column in ("survivor_id", "wrapped", "first_name")),
        *(f"received_contacts.{column}" for column in ("survivor_id", "wrapped", "phone")),
    }


@pytest.mark.usefixtures("wide")
def test_before_it_accepts_and_after_the_end_there_is_no_case(network: Network, act_as: Act) -> None:
    sharing = Sharing(network, act_as, number=6)
    consent = sharing.agreed(scopes=list(ALL))
    referral = sharing.sent(consent)
    received = sharing.received(referral)
    assert sharing.worker.ask(SHARED, id=received)["referral"]["sharedCase"] is None
    do(sharing.worker, "answerReferral", id=received, answer="ACCEPTED")
    assert sharing.worker.ask(SHARED, id=received)["referral"]["sharedCase"]["pseudonym"]
    # It is the receiver's: the sender has the case itself, others have nothing.
    assert sharing.manager.ask(SHARED, id=referral)["referral"]["sharedCase"] is None
    assert act_as("worker@delhi.example").ask(SHARED, id=received)["referral"] is None
    do(sharing.survivor, "withdrawConsent", id=consent)
    assert sharing.worker.ask(SHARED, id=received)["referral"]["sharedCase"] is None
    number = "query($id: ID!) { referral(id: $id) { status sentAt } }"
    tombstone = sharing.worker.ask(number, id=received)["referral"]
    assert (tombstone["status"], tombstone["sentAt"] is None) == ("REVOKED", False)
