"""The writing of referrals: agreed to, sent, answered, ended, by both sides, while somebody looks at what is shared."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from tests.crash.ordeal import Ordeal, Told
from tests.server.conftest import Network, uuid_in
from tests.server.sharing import DOCUMENTS, global_id, terms_to

from pat_auth.principal import Principal

SENDERS = tuple(f"cbo-{letter}" for letter in "abcdefg")
SCOPES = ["LEGAL_STATUS", "HEARING_SCHEDULE", "IDENTITY_MINIMAL"]
UPDATES = ("CONTACT_MADE", "VISIT_MADE", "LAWYER_APPOINTED")
LOOKED_AT = 8
"""A receiver looks at its latest referrals, again and again."""
LOOK_SECONDS = 0.02

SHARED = """query($id: ID!) { referral(id: $id) { sharedCase {
  pseudonym
  identity { ... on SharedIdentity { firstName } }
  schedule { ... on SharedSchedule { hearings { heldOn } } }
} } }"""

# Survivors who may agree themselves, their cases, and who of them can sign in.
_CASES = """
select c.id, c.survivor_id, max(p.email) from app.cases c
join app.organisations o on o.id = c.organisation_id
join app.survivors v on v.organisation_id = c.organisation_id and v.id = c.survivor_id
left join app.memberships m on m.organisation_id = c.organisation_id and m.survivor_id = c.survivor_id
left join sec.people p on p.id = m.person_id
where o.slug = %s and v.birth_year + 19 <= extract(year from now()) group by 1, 2 order by 1"""

# With whom both sides have signed for all of that.
_RECEIVERS = """
select x.slug, x.id from app.organisations o join app.agreements a on a.organisation_id = o.id
join app.agreements t on t.organisation_id = a.partner_id and t.partner_id = a.organisation_id
join app.organisations x on x.id = a.partner_id
where o.slug = %s and x.kind = 'DESTINATION' and a.scopes @> %s and t.scopes @> %s
and a.suspended_at is null and t.suspended_at is null order by 1"""

_REFERRALS = "app.referrals r where r.created_at > %(since)s"
_OF_REFERRALS = (
    "on r.organisation_id = x.referral_organisation_id and r.received_id = x.referral_id"
    " where r.created_at > %(since)s"
)
_STORED = f"""
select r.organisation_id, 'referral.drafted', r.id, null from {_REFERRALS}
union all select x.organisation_id, 'consent.recorded', x.id, null from app.consents x where x.given_at > %(since)s
union all select x.organisation_id, 'consent.withdrawn', x.consent_id, null from app.consent_withdrawals x
    where x.created_at > %(since)s
union all select x.organisation_id, 'referral.answered', x.referral_id, x.answer from app.referral_answers x
    join app.referrals r {_OF_REFERRALS}
union all select x.organisation_id, 'referral.hearing_reported', x.referral_id, null from app.referral_hearings x
    join app.referrals r {_OF_REFERRALS}
union all select x.organisation_id, 'referral.update_reported', x.referral_id, x.kind from app.referral_updates x
    join app.referrals r {_OF_REFERRALS}"""
_EVENTS = """
select organisation_id, action, subjects[1], coalesce(detail::jsonb ->> 'answer', detail::jsonb ->> 'kind') from trail.events
where at > %(since)s and (action like 'referral.%%' or action like 'consent.%%') order by organisation_id, number"""
_REFERRED = f"select r.organisation_id, r.id, r.state, r.consent_id from {_REFERRALS}"
_ALERTS = "select count(*) from app.alerts where kind = 'WITHDRAWAL' and created_at > %(since)s"
_READ = """
select subjects[1], count(*) from trail.events where at > %(since)s and action = 'record.read'
and detail::jsonb -> 'classes' ? 'identity' group by 1"""


class Fact(NamedTuple):
    """Something that was done, as a row and an event tell it: by which organisation, what, about what."""

    organisation: UUID
    action: str
    subject: UUID
    word: str | None = None
    """What was answered, or which kind of update it is."""


_HAVE_ROWS = frozenset(
    {
        "referral.drafted",
        "consent.recorded",
        "consent.withdrawn",
        "referral.answered",
        "referral.hearing_reported",
        "referral.update_reported",
    }
)
_STATE_OF = {
    "referral.drafted": "DRAFT",
    "referral.consent_recorded": "CONSENT_RECORDED",
    "referral.sent": "SENT",
    "referral.suspended": "SUSPENDED",
    "referral.revoked": "REVOKED",
    "referral.closed": "CLOSED",
}
"""What each step of the sender leaves behind."""


def fact(said: Told) -> Fact:
    """What a mutation has done if it was not refused."""
    by, given = said.by.organisation, said.given
    match said.mutation:
        case "draftReferral":
            return Fact(by, "referral.drafted", said.id)
        case "giveConsent" | "recordConsent":
            return Fact(by, "consent.recorded", said.id)
        case "withdrawConsent":
            return Fact(by, "consent.withdrawn", uuid_in(given["id"]))
        case "baseReferral":
            return Fact(by, "referral.consent_recorded", uuid_in(given["id"]))
        case "moveReferral":
            return Fact(by, f"referral.{given['to'].lower()}", uuid_in(given["id"]))
        case "answerReferral":
            return Fact(by, "referral.answered", uuid_in(given["id"]), given["answer"])
        case "reportHearing":
            return Fact(by, "referral.hearing_reported", uuid_in(given["referralId"]))
        case "reportUpdate":
            return Fact(by, "referral.update_reported", uuid_in(given["id"]), given["kind"])
    raise AssertionError(said.mutation)


@dataclass(frozen=True)
class Sender:
    """A case manager, for each case of hers its id, the survivor's, and herself, where she can sign in; and who may be asked."""

    manager: Principal
    cases: list[tuple[UUID, UUID, Principal | None]]
    receivers: dict[str, UUID]

    @classmethod
    def of(cls, network: Network, slug: str) -> Sender:
        cases = [
            (case, survivor, network.principal(email) if email else None)
            for case, survivor, email in network.rows(_CASES, slug)
        ]
        receivers = dict(network.rows(_RECEIVERS, slug, SCOPES, SCOPES))
        return cls(network.principal(f"manager@{slug}.example"), cases, receivers)


@dataclass(frozen=True)
class Life:
    """One referral on its way: its ids for both sides, the consent that it stands on, and who may do something about it."""

    manager: Principal
    survivor: Principal | None
    worker: Principal
    id: str
    received: str
    consent: str
    chance: random.Random


@dataclass
class Referrals:
    """Each step of either side leaves rows of that side alone, and an event; a withdrawal shuts the door to the next look."""

    shown: Counter[UUID] = field(default_factory=Counter)
    """How often the receiver was shown something under a referral, by the receiver's id of it."""
    tombstones: int = 0
    """How often it looked at one that was shut, and was shown nothing."""
    is_over: bool = False
    _shut: dict[str, object] = field(default_factory=dict)
    """What shut each referral that nothing may be seen of."""
    _latest: dict[UUID, list[str]] = field(default_factory=dict)

    @property
    def documents(self) -> Mapping[str, str]:
        return DOCUMENTS

    async def write(self, ordeal: Ordeal) -> None:
        """Every manager leads one referral after the other from its draft to its end, while the receivers look on."""
        network = ordeal.place.network
        senders = [Sender.of(network, slug) for slug in SENDERS]
        receivers = sorted({slug for sender in senders for slug in sender.receivers})
        workers = {slug: network.principal(f"worker@{slug}.example") for slug in receivers}
        async with asyncio.TaskGroup() as looking:
            for number, worker in enumerate(workers.values()):
                self._latest[worker.organisation] = []
                looking.create_task(self._look_on(ordeal, worker, ordeal.chance(100 + number)))
            async with asyncio.TaskGroup() as writing:
                for number, sender in enumerate(senders):
                    writing.create_task(self._send(ordeal, sender, workers, ordeal.chance(number)))
            self.is_over = True
        for worker in workers.values():
            for received in self._latest[worker.organisation]:
                await self._look(ordeal, worker, received)

    async def _send(
        self, ordeal: Ordeal, sender: Sender, workers: Mapping[str, Principal], chance: random.Random
    ) -> None:
        while len(ordeal.acknowledged) < ordeal.writes:
            life = await self._sent(ordeal, sender, workers[chance.choice(list(sender.receivers))], chance)
            before = [said for said in ordeal.acknowledged.values() if said.by is life.manager]
            await self._answered(ordeal, life)
            await chance.choice(ENDINGS)(self, ordeal, life)
            # Whatever it has come to: what was done before is not done again.
            await ordeal.again(chance.choice(before))

    async def _sent(self, ordeal: Ordeal, sender: Sender, worker: Principal, chance: random.Random) -> Life:
        manager = sender.manager
        case, survivor, herself = chance.choice(sender.cases)
        to = global_id("Organisation", worker.organisation)
        asked = {"caseId": global_id("Case", case), "to": to, "need": "COURT_FOLLOW_UP", "urgency": "SOON"}
        drafted = await ordeal.do(manager, "draftReferral", asked, chance)
        agreed: dict[str, Any] = {"terms": terms_to(to, scopes=SCOPES)}
        if herself is not None:
            given = await ordeal.do(herself, "giveConsent", agreed, chance)
        else:
            agreed |= {"giver": "SELF", "mode": "THUMBPRINT", "evidence": f"R {chance.randrange(1000)}"}
            agreed |= {"survivorId": global_id("Survivor", survivor)}
            given = await ordeal.do(manager, "recordConsent", agreed, chance)
        referral, consent = drafted.answer["id"], given.answer["id"]
        await ordeal.do(manager, "baseReferral", {"id": referral, "consentId": consent}, chance)
        await ordeal.do(manager, "moveReferral", {"id": referral, "to": "SENT"}, chance)
        found = "select received_id from app.referrals where id = %s"
        ((received,),) = await ordeal.place.rows(found, uuid_in(referral))
        return Life(manager, herself, worker, referral, global_id("Referral", received), consent, chance)

    async def _answered(self, ordeal: Ordeal, life: Life) -> None:
        await self._answer(ordeal, life, "ACCEPTED")
        self._latest[life.worker.organisation].append(life.received)
        if not await self._look(ordeal, life.worker, life.received):
            ordeal.wrong.append(f"{life.received} was accepted, and nothing is shared")
        for _ in range(life.chance.randrange(3)):
            await self._report(ordeal, life)
        if life.chance.random() < 0.5:
            await self._answer(ordeal, life, "IN_PROGRESS")

    async def _answer(self, ordeal: Ordeal, life: Life, answer: str) -> None:
        await ordeal.do(life.worker, "answerReferral", {"id": life.received, "answer": answer}, life.chance)

    async def _report(self, ordeal: Ordeal, life: Life, *, may_be_refused: bool = False) -> None:
        """A day in court, or what was done."""
        days, chance = timedelta(days=life.chance.randrange(1, 60)), life.chance
        if chance.random() < 0.5:
            mutation, given = "reportHearing", {"referralId": life.received, "mode": "VIDEO"}
            given["heldOn"] = (date.today() + days).isoformat()
        else:
            mutation, given = "reportUpdate", {"id": life.received, "kind": chance.choice(UPDATES)}
            given["happenedOn"] = (date.today() - days).isoformat()
        await ordeal.do(life.worker, mutation, given, chance, may_be_refused=may_be_refused)

    async def _move(self, ordeal: Ordeal, life: Life, to: str) -> None:
        await ordeal.do(life.manager, "moveReferral", {"id": life.id, "to": to}, life.chance)

    async def _shut_by(self, ordeal: Ordeal, life: Life, ending: Awaitable[object]) -> None:
        """From the moment on in which the ending is acknowledged nothing is seen."""
        await ending
        self._shut[life.received] = object()
        await self._look(ordeal, life.worker, life.received)

    async def _withdraw(self, ordeal: Ordeal, life: Life) -> None:
        by = life.survivor or life.manager
        withdrawn = ordeal.do(by, "withdrawConsent", {"id": life.consent}, life.chance)
        await self._shut_by(ordeal, life, withdrawn)

    async def _withdraw_meanwhile(self, ordeal: Ordeal, life: Life) -> None:
        await asyncio.gather(self._withdraw(ordeal, life), self._report(ordeal, life, may_be_refused=True))

    async def _suspend(self, ordeal: Ordeal, life: Life) -> None:
        await self._shut_by(ordeal, life, self._move(ordeal, life, "SUSPENDED"))
        del self._shut[life.received]
        await self._move(ordeal, life, "SENT")
        if not await self._look(ordeal, life.worker, life.received):
            ordeal.wrong.append(f"{life.received} was taken up again, and nothing is shared")

    async def _revoke(self, ordeal: Ordeal, life: Life) -> None:
        await self._shut_by(ordeal, life, self._move(ordeal, life, "REVOKED"))

    async def _complete(self, ordeal: Ordeal, life: Life) -> None:
        await self._shut_by(ordeal, life, self._answer(ordeal, life, "COMPLETED"))
        await self._move(ordeal, life, "CLOSED")

    async def _look_on(self, ordeal: Ordeal, worker: Principal, chance: random.Random) -> None:
        while not self.is_over:
            await asyncio.sleep(LOOK_SECONDS)
            if latest := self._latest[worker.organisation][-LOOKED_AT:]:
                await self._look(ordeal, worker, chance.choice(latest))

    async def _look(self, ordeal: Ordeal, worker: Principal, received: str) -> bool:
        """Whether the receiver is shown something. It must not be where the end was acknowledged before it began to look."""
        shut = self._shut.get(received)
        seen = (await ordeal.ask(worker, SHARED, id=received))["referral"]["sharedCase"]
        if seen is not None:
            self.shown[uuid_in(received)] += 1
            if shut is not None and self._shut.get(received) is shut:
                ordeal.wrong.append(f"{received} was shut, and something was seen")
        elif shut is not None:
            self.tombstones += 1
        return seen is not None

    def missing(self, ordeal: Ordeal) -> Iterator[str]:
        """What was told, what is stored and what the trail has are the same, and in the same order."""
        told = [fact(said) for said in ordeal.acknowledged.values()]
        forestalled = Counter(fact(said) for said in ordeal.refused.values())
        stored = Counter(Fact(*row) for row in self._rows(ordeal, _STORED))
        events = [Fact(*row) for row in self._rows(ordeal, _EVENTS)]
        recorded = Counter(events)
        known = Counter(told)
        for each in recorded.keys() | known.keys():
            if not known[each] <= recorded[each] <= known[each] + forestalled[each]:
                yield f"{each.action} was acknowledged {known[each]} times, and recorded {recorded[each]} times"
        of_rows = Counter({each: count for each, count in recorded.items() if each.action in _HAVE_ROWS})
        for each in (of_rows - stored) | (stored - of_rows):
            yield f"{each.action} is stored {stored[each]} times, and recorded {of_rows[each]} times"
        yield from self._steps(ordeal, told, events)
        ((alerts,),) = self._rows(ordeal, _ALERTS)
        withdrawn = sum(1 for each in stored.elements() if each.action == "consent.withdrawn")
        if alerts != withdrawn:
            yield f"{withdrawn} withdrawals, {alerts} alerts"
        read: dict[UUID, int] = dict(self._rows(ordeal, _READ))
        for received, count in self.shown.items():
            if read.get(received, 0) < count:
                yield f"what was shared was seen {count} times, and that recorded {read.get(received, 0)} times"

    def _steps(self, ordeal: Ordeal, told: list[Fact], events: list[Fact]) -> Iterator[str]:
        """The sender's steps, in the order in which they were acknowledged, and where they have led to."""
        taken, recorded = _by_referral(told), _by_referral(events)
        based = {
            uuid_in(said.given["id"]): uuid_in(said.given["consentId"])
            for said in ordeal.acknowledged.values()
            if said.mutation == "baseReferral"
        }
        for organisation, id, state, consent in self._rows(ordeal, _REFERRED):
            steps = taken.get((organisation, id), [])
            if steps != recorded.get((organisation, id)):
                yield f"{steps} was acknowledged, {recorded.get((organisation, id))} recorded"
            if not steps or _STATE_OF[steps[-1]] != state or based.get(id) != consent:
                yield f"{steps} has led to {state}, on the consent {consent}"

    def _rows(self, ordeal: Ordeal, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(ordeal.place.network.admin_url) as connection:
            return connection.execute(statement.encode(), {"since": ordeal.since}).fetchall()

    def told(self) -> str:
        return (
            f" The receivers were shown something {sum(self.shown.values())} times,"
            f" and {self.tombstones} times nothing of what was shut."
        )


def _by_referral(facts: list[Fact]) -> dict[tuple[UUID, UUID], list[str]]:
    steps: dict[tuple[UUID, UUID], list[str]] = {}
    for each in facts:
        if each.action in _STATE_OF:
            steps.setdefault((each.organisation, each.subject), []).append(each.action)
    return steps


Ending = Callable[[Referrals, Ordeal, Life], Awaitable[None]]


async def _nothing(_: Referrals, __: Ordeal, ___: Life) -> None:
    """It goes on."""


ENDINGS: tuple[Ending, ...] = (
    Referrals._withdraw,
    Referrals._withdraw_meanwhile,
    Referrals._suspend,
    Referrals._revoke,
    Referrals._complete,
    _nothing,
)
