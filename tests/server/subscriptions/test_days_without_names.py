"""What is told of a day in court names nobody: not to whoever waits, not between processes, and by mail nothing is told."""

from __future__ import annotations

from datetime import timedelta

import orjson
import psycopg
import pytest
from tests.server.conftest import Act, Network
from tests.server.sharing import Sharing, do
from tests.server.subscriptions.conftest import Socket, listening
from tests.server.test_hearings import act, proceeding

from pat_tenants.cases.service import today

TOLD = "subscription { referralChanged { id cursor purge } }"
COUNTED = "subscription { inboxCount { total byStatus { status count } } }"
COURT = "District Court Barasat"


@pytest.fixture
def sharing(network: Network, act_as: Act) -> Sharing:
    return Sharing(network, act_as, number=6)


@pytest.fixture
def shared(sharing: Sharing) -> str:
    """A referral that Goa has accepted."""
    referral = sharing.sent(sharing.agreed())
    do(sharing.worker, "answerReferral", id=sharing.received(referral), answer="ACCEPTED")
    return referral


def names_of_hers(sharing: Sharing) -> set[str]:
    """What she and her case are called, by people and by programs."""
    identity = "... on SurvivorIdentity { firstName secondName alias }"
    asked = (
        f"{{ cases {{ edges {{ node {{ id code survivor {{ id code identity {{ {identity} }} }} }} }} }} }}"
    )
    (edge,) = sharing.survivor.ask(asked)["cases"]["edges"]
    case, her = edge["node"], edge["node"]["survivor"]
    found = {
        case["id"],
        case["code"],
        her["id"],
        her["code"],
        *her["identity"].values(),
        *map(str, sharing.case()),
    }
    return {each for each in found if each}


def heard(socket: Socket) -> list[str]:
    """Every message that comes, as it is sent."""
    messages = []
    while True:
        try:
            messages.append(orjson.dumps(socket.hear(1.5)).decode())
        except TimeoutError:
            return messages


def test_what_is_told_of_a_day_in_court_names_nobody(server: str, sharing: Sharing, shared: str) -> None:
    names = names_of_hers(sharing)
    assert len(names) > 5
    mails = sharing.network.rows("select id from sec.mails order by id")
    with (
        psycopg.connect(sharing.network.admin_url, autocommit=True) as listener,
        listening(server, sharing.worker, TOLD) as receiver,
        listening(server, sharing.manager, TOLD) as sender,
        listening(server, sharing.worker, COUNTED) as counting,
    ):
        listener.execute("listen pat_changes")
        day = (today() + timedelta(days=8)).isoformat()
        said = {"heldOn": day, "mode": "PHYSICAL", "preparation": {"courtPoint": COURT}}
        hearing = act(sharing.manager, "scheduleHearing", "Hearing", proceedingId=proceeding(sharing), **said)
        assert (
            act(sharing.manager, "moveHearing", "Hearing", id=hearing["id"], to="READY")["state"] == "READY"
        )
        received = sharing.received(shared)
        told = do(sharing.worker, "reportHearing", referralId=received, heldOn=day, mode="VIDEO")
        assert told["__typename"] == "Referral", told
        of_both = {"receiver": heard(receiver), "sender": heard(sender)}
        counted = heard(counting)
        woken = list(listener.notifies(timeout=1))
    assert received in "".join(of_both["receiver"])
    assert shared in "".join(of_both["sender"])
    for message in (*of_both["receiver"], *of_both["sender"], *counted):
        assert not [name for name in (*names, COURT, day) if name in message], message
    assert woken
    assert {each.payload for each in woken} == {""}
    assert sharing.network.rows("select id from sec.mails order by id") == mails


def test_what_is_kept_of_a_change_has_no_room_for_a_name(network: Network) -> None:
    kinds = network.rows(
        "select distinct format_type(a.atttypid, null) from pg_attribute a"
        " where a.attrelid = 'app.referral_changes'::regclass and a.attnum > 0 and not a.attisdropped"
    )
    assert {kind for (kind,) in kinds} == {"uuid", "bigint", "timestamp with time zone", "boolean"}
