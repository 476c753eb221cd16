"""The verbs that no mutation offers yet, as the people who may use them, and what they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.server.conftest import Network

from pat_auth.policy import POLICY, Permission, Reach
from pat_platform.database.access import Database
from pat_platform.database.failures import DatabaseError
from pat_platform.database.transaction import Transaction
from pat_platform.errors import Refused
from pat_server.assembly import vault_of
from pat_tenants.cases import service as cases
from pat_tenants.cases.models import CaseStage, HearingMode, RiskLevel
from pat_tenants.consents.models import ConsentGiver, ConsentMode, ConsentQuestion
from pat_tenants.consents.service import Terms, record_consent
from pat_tenants.groups import service as groups
from pat_tenants.groups.models import EntryKind, GroupPolicy
from pat_tenants.groups.service import NewEntry, NewMember
from pat_tenants.hearings import service as hearings
from pat_tenants.hearings.service import Day
from pat_tenants.htcds import Gender, TraffickingStatus
from pat_tenants.isolation.provision import ROLES_OF
from pat_tenants.referrals import service as referrals
from pat_tenants.referrals.models import Answer, Need, Referral, ReferralStatus, Scope
from pat_tenants.referrals.rules import RECEIVING
from pat_tenants.survivors.service import Identity, register_survivor

SOON = timedelta(days=30)


@pytest.fixture
async def database(network: Network) -> AsyncIterator[Database]:
    database = Database(network.settings)
    yield database
    await database.close()


@pytest.fixture
def acting(network: Network, database: Database) -> Any:
    """``acting(email)``: a transaction of that person."""

    def open(email: str) -> Any:
        principal = network.principal(email)
        return database.transaction(principal.login, principal.session)

    return open


def organisation(network: Network, slug: str) -> UUID:
    found: UUID = network.rows("select id from app.organisations where slug = %s", slug)[0][0]
    return found


def a_case(network: Network, slug: str = "cbo-f") -> UUID:
    found: UUID = network.rows(
        "select c.id from app.cases c join app.organisations o on o.id = c.organisation_id join app.survivors s on s.id = c.survivor_id"
        " where o.slug = %s and not s.is_minor_at_intake limit 1",
        slug,
    )[0][0]
    return found


async def agreed(network: Network, tx: Transaction, referral: Referral, scopes: list[Scope]) -> UUID:
    """A consent of hers to what a referral asks for."""
    terms = Terms(
        recipient_id=referral.to_organisation_id,
        purpose=Need(referral.need),
        scopes=scopes,
        valid_until=datetime.now(UTC) + SOON,
        notice_version="1",
        notice_language="bn",
        agreed=tuple(ConsentQuestion),
    )
    return await record_consent(
        tx,
        vault_of(network.settings),
        survivor_id=referral.survivor_id,
        terms=terms,
        giver=ConsentGiver.SELF,
        mode=ConsentMode.AUDIO,
        evidence="7",
    )


async def code_of(awaitable: Any) -> str:
    with pytest.raises(Refused) as refused:
        await awaitable
    return refused.value.code


async def test_a_referral_is_drafted_agreed_sent_answered_reported_and_revoked(
    network: Network, acting: Any
) -> None:
    goa = organisation(network, "goa")
    async with acting("manager@cbo-f.example") as tx:
        drafted = await referrals.draft_referral(
            tx, case_id=a_case(network), to=goa, need=Need.COURT_FOLLOW_UP
        )
        scopes = [Scope.LEGAL_STATUS, Scope.HEARING_SCHEDULE]
        consent = await agreed(network, tx, drafted, scopes)
        await referrals.base_referral(tx, referral_id=drafted.id, consent_id=consent)
        await referrals.send_referral(tx, referral_id=drafted.id)
        id, received_id = drafted.id, drafted.received_id
    async with acting("worker@goa.example") as tx:
        day = date(2027, 1, 1)
        early = hearings.report_hearing(tx, received_id=received_id, day=Day(day, HearingMode.VIDEO))
        assert await code_of(early) == "NOT_SHARED"
        await referrals.answer_referral(tx, received_id=received_id, answer=Answer.ACCEPTED)
        await hearings.report_hearing(tx, received_id=received_id, day=Day(day, HearingMode.VIDEO))
    async with acting("manager@cbo-f.example") as tx:
        await referrals.suspend_referral(tx, referral_id=id)
        await referrals.send_referral(tx, referral_id=id)
        await referrals.revoke_referral(tx, referral_id=id)
        assert await code_of(referrals.close_referral(tx, referral_id=id)) == "STATUS_NOT_ALLOWED"
    async with acting("worker@goa.example") as tx:
        late = referrals.answer_referral(tx, received_id=received_id, answer=Answer.COMPLETED)
        assert await code_of(late) == "STATUS_NOT_ALLOWED"


async def test_a_sent_referral_may_be_closed(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        to = organisation(network, "delhi")
        drafted = await referrals.draft_referral(tx, case_id=a_case(network), to=to, need=Need.SHELTER)
        consent = await agreed(network, tx, drafted, [Scope.RISK_SAFETY])
        await referrals.base_referral(tx, referral_id=drafted.id, consent_id=consent)
        await referrals.send_referral(tx, referral_id=drafted.id)
        await referrals.close_referral(tx, referral_id=drafted.id)
        closed = await tx.get(Referral, drafted.id)
        assert closed is not None
        assert closed.ended_at is not None


async def test_nothing_is_referred_to_oneself_or_about_an_unknown_case(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        self_referral = referrals.draft_referral(
            tx, case_id=a_case(network), to=tx.organisation, need=Need.TRACING
        )
        assert await code_of(self_referral) == "TO_ITSELF"
        goa = organisation(network, "goa")
        for case_id in (uuid4(), a_case(network, "cbo-a")):
            unknown = referrals.draft_referral(tx, case_id=case_id, to=goa, need=Need.TRACING)
            assert await code_of(unknown) == "NOT_FOUND"


@pytest.mark.parametrize("slug", ["cbo-a", "secretariat", "funder"])
async def test_nothing_is_referred_to_where_nobody_can_receive_it(
    network: Network, acting: Any, slug: str
) -> None:
    to = organisation(network, slug)
    async with acting("manager@cbo-f.example") as tx:
        drafted = referrals.draft_referral(tx, case_id=a_case(network), to=to, need=Need.TRACING)
        assert await code_of(drafted) == "RECIPIENT_UNKNOWN"


async def test_nothing_is_referred_to_an_organisation_that_is_not_there(
    network: Network, acting: Any
) -> None:
    async with acting("manager@cbo-f.example") as tx:
        drafted = referrals.draft_referral(tx, case_id=a_case(network), to=uuid4(), need=Need.TRACING)
        assert await code_of(drafted) == "NOT_FOUND"


async def test_a_receivers_step_is_not_the_senders(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        moved = referrals.move_referral(tx, referral_id=uuid4(), to=ReferralStatus.ACCEPTED)
        assert await code_of(moved) == "STATUS_NOT_ALLOWED"


def test_where_somebody_can_receive_is_what_the_policy_says() -> None:
    receivers = {
        role for role, reach in POLICY[Permission.REFERRAL_ANSWER].items() if reach is Reach.RECEIVED
    }
    assert {kind for kind, roles in ROLES_OF.items() if receivers & set(roles)} == RECEIVING


async def test_nothing_is_sent_without_an_agreement(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        goa = organisation(network, "goa")
        drafted = await referrals.draft_referral(tx, case_id=a_case(network), to=goa, need=Need.TRACING)
        assert await code_of(referrals.send_referral(tx, referral_id=drafted.id)) == "STATUS_NOT_ALLOWED"
        assert await code_of(referrals.send_referral(tx, referral_id=uuid4())) == "NOT_FOUND"


async def test_an_unknown_referral_cannot_be_answered(acting: Any) -> None:
    async with acting("worker@goa.example") as tx:
        answer = referrals.answer_referral(tx, received_id=uuid4(), answer=Answer.ACCEPTED)
        assert await code_of(answer) == "NOT_FOUND"


async def test_a_survivor_may_be_registered_without_knowing_who_she_is(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        survivor = await register_survivor(
            tx, vault_of(network.settings), gender=Gender.NonSpecifiedUnknown, is_minor_at_intake=True
        )
        case = await cases.open_case(
            tx,
            survivor=survivor,
            opened_on=cases.today(),
            stage=CaseStage.TRACED,
            risk_level=RiskLevel.HIGH,
            trafficking_status=TraffickingStatus.PossibleVictimOfTrafficking,
        )
    rows = network.rows("select count(*) from app.survivor_identities where survivor_id = %s", survivor.id)
    assert rows == [(0,)]
    assert case.version == 1


async def test_a_case_taken_from_a_worker_is_no_longer_hers(network: Network, acting: Any) -> None:
    member, case_id = network.rows(
        "select m.id, a.case_id from app.case_assignments a join app.memberships m on m.id = a.membership_id"
        " join sec.people p on p.id = m.person_id where p.email = 'worker1@cbo-f.example' and a.ended_at is null limit 1"
    )[0]
    async with acting("manager@cbo-f.example") as tx:
        await cases.unassign_case(tx, case_id=case_id, member_id=member)
    live = network.rows(
        "select count(*) from app.case_assignments where membership_id = %s and case_id = %s and ended_at is null",
        member,
        case_id,
    )
    assert live == [(0,)]
    async with acting("worker1@cbo-f.example") as tx:
        changes = cases.CaseChanges(risk_level=RiskLevel.LOW)
        change = cases.update_case(tx, case_id=case_id, base_version=1, changes=changes)
        assert await code_of(change) == "NOT_ASSIGNED"


async def test_a_case_taken_from_a_worker_while_she_changes_it_stays_as_it_was(
    network: Network, acting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assignment, case_id, version, risk = network.rows(
        "select a.id, c.id, c.version, c.risk_level from app.case_assignments a join app.cases c on c.id = a.case_id"
        " join sec.people p on p.id = a.person_id"
        " where p.email = 'worker1@cbo-f.example' and a.ended_at is null and c.status = 'ACTIVE' limit 1"
    )[0]
    fetch = Transaction.get

    async def taken_meanwhile(*given: Any, **key: Any) -> Any:
        found = await fetch(*given, **key)
        network.rows("update app.case_assignments set ended_at = now() where id = %s", assignment)
        return found

    monkeypatch.setattr(Transaction, "get", taken_meanwhile)
    changes = cases.CaseChanges(risk_level=RiskLevel.HIGH if risk == "LOW" else RiskLevel.LOW)
    with pytest.raises(DatabaseError) as refused:
        await changed_by(acting("worker1@cbo-f.example"), case_id, version, changes)
    assert refused.value.sqlstate == "42501"
    told = "select count(*) from trail.events where action = 'case.updated' and %s = any(subjects)"
    assert network.rows(told, case_id) == [(0,)]


async def changed_by(transaction: Any, case_id: UUID, version: int, changes: cases.CaseChanges) -> None:
    async with transaction as tx:
        await cases.update_case(tx, case_id=case_id, base_version=version, changes=changes)


async def test_a_case_goes_to_nobody_who_is_not_there(network: Network, acting: Any) -> None:
    async with acting("manager@cbo-f.example") as tx:
        case_id = a_case(network)
        assert await code_of(cases.assign_case(tx, case_id=case_id, member_id=uuid4())) == "NOT_FOUND"


async def test_a_change_that_changes_nothing_keeps_the_version(network: Network, acting: Any) -> None:
    case_id = a_case(network)
    ((version, risk),) = network.rows("select version, risk_level from app.cases where id = %s", case_id)
    async with acting("manager@cbo-f.example") as tx:
        changes = cases.CaseChanges(risk_level=RiskLevel(risk))
        now = await cases.update_case(tx, case_id=case_id, base_version=version, changes=changes)
        assert now == version


async def test_a_group_of_four_is_not_formed(network: Network, acting: Any) -> None:
    async with acting("facilitator@cbo-f.example") as tx:
        members = [NewMember(f"Somebody {number}") for number in range(4)]
        forming = groups.form_group(
            tx,
            vault_of(network.settings),
            name="Too few",
            policy=GroupPolicy.SPECIAL,
            formed_on=date(2026, 1, 1),
            members=members,
        )
        assert await code_of(forming) == "GROUP_SIZE"


async def test_the_book_takes_no_line_for_a_member_of_another_group(network: Network, acting: Any) -> None:
    (mine, other) = network.rows(
        "select g.id, (select m.id from app.group_members m where m.group_id = g.id limit 1) from app.self_help_groups g"
        " join app.organisations o on o.id = g.organisation_id where o.slug = 'cbo-f' order by g.name limit 2"
    )
    entry = NewEntry(other[1], EntryKind.SAVING, 100, date(2026, 5, 1))
    with pytest.raises(DatabaseError, match="23503"):
        async with acting("facilitator@cbo-f.example") as tx:
            await groups.enter_book(tx, group_id=mine[0], entries=[entry])


def test_who_somebody_is_does_not_print() -> None:
    assert "Zephyrine" not in repr(Identity(first_name="Zephyrine"))
    assert "Zephyrine" not in repr(NewMember("Zephyrine"))
