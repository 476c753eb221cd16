"""The network over the API: the secretariat sees what goes from where to where, and nobody else does."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.server.conftest import Act, Network, uuid_in
from tests.server.sharing import Sharing, do

LOOKERS = ("admin@secretariat.example", "analyst@secretariat.example", "auditor@secretariat.example")
ROWS = """query ($filter: NetworkReferralFilter, $order: NetworkReferralOrder! = MONTH_DESC, $first: Int = 500, $after: String) {
  network { referrals(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { id from { slug state } to { slug state } status month } } } } }"""
COUNTS = "{ network { referralCounts { state status count } } }"

Rows = list[dict[str, Any]]


def page(act_as: Act, email: str = LOOKERS[1], **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = act_as(email).ask(ROWS, **asked)["network"]["referrals"]
    return found


def rows(act_as: Act, email: str = LOOKERS[1], **asked: Any) -> Rows:
    return [edge["node"] for edge in page(act_as, email, **asked)["edges"]]


@pytest.mark.parametrize("email", LOOKERS)
def test_the_secretariat_sees_every_referral_that_was_sent(act_as: Act, network: Network, email: str) -> None:
    seen = Counter((row["from"]["slug"], row["to"]["slug"], row["month"]) for row in rows(act_as, email))
    sent = network.rows(
        "select s.slug, t.slug, to_char(r.sent_at at time zone 'Asia/Kolkata', 'YYYY-MM-01') from app.referrals r"
        " join app.organisations s on s.id = r.organisation_id join app.organisations t on t.id = r.to_organisation_id"
        " where r.state not in ('DRAFT', 'CONSENT_RECORDED')"
    )
    assert seen == Counter(sent)
    assert seen.total() > 10


@pytest.mark.parametrize(
    "email",
    [
        *("admin@cbo-a.example", "manager@cbo-a.example", "survivor7@cbo-a.example", "mis@cbo-a.example"),
        *("worker@goa.example", "admin@goa.example", "officer@funder.example"),
    ],
)
def test_nobody_else_sees_the_network(act_as: Act, email: str) -> None:
    assert act_as(email).refused(ROWS) == "FORBIDDEN"
    assert act_as(email).refused(COUNTS) == "FORBIDDEN"


def test_a_status_is_what_both_sides_see_also_when_nobody_wrote_it(act_as: Act, network: Network) -> None:
    sharing = Sharing(network, act_as)
    consent = sharing.agreed()
    referral = sharing.sent(consent)

    def statuses() -> Counter[str]:
        return Counter(row["status"] for row in rows(act_as))

    before = statuses()
    assert do(sharing.survivor, "withdrawConsent", id=consent)["isLive"] is False
    # She has withdrawn, her organisation has not touched the referral.
    assert sharing.seen(referral)["status"] == "REVOKED"
    assert statuses() - before == Counter(["REVOKED"])
    assert before - statuses() == Counter(["SENT"])


def test_counts_are_the_rows_counted_by_state_and_status(act_as: Act) -> None:
    counts = act_as(LOOKERS[1]).ask(COUNTS)["network"]["referralCounts"]
    counted = Counter((row["to"]["state"], row["status"]) for row in rows(act_as))
    assert {(each["state"], each["status"]): each["count"] for each in counts} == counted
    assert counts == sorted(counts, key=lambda each: (each["state"], each["status"]))


def test_pages_follow_each_other_within_a_month(act_as: Act) -> None:
    everything = rows(act_as)
    assert page(act_as)["totalCount"] == len(everything)
    found: Rows = []
    after = None
    while True:
        part = page(act_as, first=3, after=after)
        found += [edge["node"] for edge in part["edges"]]
        after = part["pageInfo"]["endCursor"]
        if not part["pageInfo"]["hasNextPage"]:
            break
    assert found == everything
    assert len({row["id"] for row in found}) == len(found)
    months = [row["month"] for row in everything]
    assert months == sorted(months, reverse=True)
    assert [row["month"] for row in rows(act_as, order="MONTH_ASC")] == months[::-1]


def test_referrals_are_found_by_status_and_month(act_as: Act) -> None:
    everything = rows(act_as)
    status, month = everything[-1]["status"], everything[-1]["month"]
    assert rows(act_as, filter={"status": [status]}) == [row for row in everything if row["status"] == status]
    # Any day of a month stands for it.
    within = {"fromMonth": f"{month[:8]}17", "toMonth": f"{month[:8]}17"}
    assert rows(act_as, filter=within) == [row for row in everything if row["month"] == month]


def test_a_row_leads_to_no_referral(act_as: Act, network: Network) -> None:
    """Its name is no node of anybody's, and no referral's on either side."""
    seen = {row["id"] for row in rows(act_as)}
    node = "query ($id: ID!) { node(id: $id) { id } }"
    for email in (LOOKERS[1], "manager@cbo-a.example", "worker@goa.example"):
        assert act_as(email).ask(node, id=next(iter(seen)))["node"] is None
    known = {key for row in network.rows("select id, received_id from app.referrals") for key in row}
    assert not known & {uuid_in(each) for each in seen}


@pytest.mark.parametrize("field", ["need", "urgency", "scopes", "sentAt", "case { id }", "survivor { id }"])
def test_nothing_of_what_is_behind_a_referral_may_be_asked_for(act_as: Act, field: str) -> None:
    asked = f"{{ network {{ referrals {{ edges {{ node {{ {field} }} }} }} }} }}"
    assert act_as(LOOKERS[0]).refused(asked) == "BAD_INPUT"
