"""The rows of the table of referrals in the database of a network."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import psycopg
from tests.server.conftest import Network
from tests.server.referral_table import (
    AGREEMENTS,
    ALL,
    ANSWERS,
    CONSENT,
    GROUNDS,
    NAMES,
    NOW,
    RECEIVERS,
    SENDERS,
    SIGNED_UNTIL,
    VITAL_INTEREST,
    Terms,
    combined,
)


@dataclass(frozen=True)
class Pair:
    """Two organisations that have signed in one of the ways, and the case that is referred between them."""

    sender: str
    receiver: str
    sender_id: UUID
    receiver_id: UUID
    sender_name: str
    case: UUID
    survivor: UUID
    manager: UUID
    worker: UUID


_PAIR = """
select o.slug, t.slug, o.id, t.id, o.name, c.id, c.survivor_id, m.id, w.id
from app.organisations o, app.organisations t, app.cases c, sec.people m, sec.people w
where o.slug = %s and t.slug = %s and c.organisation_id = o.id
and m.email = 'manager@' || o.slug || '.example' and w.email = 'worker@' || t.slug || '.example'
and exists (select from app.hearings h where h.organisation_id = o.id and h.case_id = c.id) order by c.id limit 1"""

_SHUT = """
insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by, lifted_at)
select s.id, gen_random_uuid(), o.id, 'CLOSED', o.id, case when %(is_lifted)s then now() end
from app.organisations s, app.organisations o where s.slug = 'secretariat' and o.slug = %(slug)s"""

_BETWEEN = "organisation_id = %(one)s and partner_id = %(other)s"
_SIGNED = """
insert into app.agreements (organisation_id, partner_id, scopes, valid_from, valid_until, created_by, updated_by)
values (%(one)s, %(other)s, %(scopes)s, now() - interval '30 days', %(until)s, %(by)s, %(by)s)
on conflict (organisation_id, partner_id) do update
set scopes = excluded.scopes, valid_from = excluded.valid_from, valid_until = excluded.valid_until, suspended_at = null"""
"""Also where another test has taken out what was signed."""


@dataclass
class Table:
    """All of it in the database of a network, taken out again afterwards."""

    network: Network
    terms: list[Terms] = field(default_factory=combined)
    pairs: dict[str, Pair] = field(default_factory=dict)

    @contextmanager
    def standing(self) -> Iterator[Table]:
        """While the block lasts."""
        others = ((sender, receiver) for receiver in RECEIVERS for sender in SENDERS)
        for name, signed in AGREEMENTS.items():
            self.pairs[name] = Pair(*self.network.rows(_PAIR, *(signed.between or next(others)))[0])
        with psycopg.connect(self.network.admin_url) as admin:
            # What is put here is judged as it stands, whoever may have put it: no trigger has a say.
            admin.execute("set session_replication_role = replica")
            admin.execute("create table public.signed as table app.agreements")
            self._sign(admin)
            self._write(admin)
        try:
            yield self
        finally:
            with psycopg.connect(self.network.admin_url) as admin:
                admin.execute("set session_replication_role = replica")
                self._take_out(admin)

    def of(self, *, sender: str | None = None, receiver: str | None = None) -> list[Terms]:
        """The rows that one organisation has sent, or was sent."""
        return [
            terms
            for terms in self.terms
            if self.pairs[terms.agreement].sender == sender
            or (self.pairs[terms.agreement].receiver == receiver and terms.is_received)
        ]

    def _sign(self, admin: psycopg.Connection) -> None:
        for name, pair in self.pairs.items():
            for one, other, change in (
                (pair.sender_id, pair.receiver_id, AGREEMENTS[name].ours),
                (pair.receiver_id, pair.sender_id, AGREEMENTS[name].theirs),
            ):
                where = {"one": one, "other": other}
                if change is None:
                    admin.execute(f"delete from app.agreements where {_BETWEEN}".encode(), where)
                    continue
                signed = {**where, "scopes": list(ALL), "until": SIGNED_UNTIL, "by": pair.manager}
                admin.execute(_SIGNED, signed)
                if change:
                    admin.execute(f"update app.agreements set {change} where {_BETWEEN}".encode(), where)
        for each in AGREEMENTS.values():
            if each.shut:
                admin.execute(_SHUT, {"slug": each.shut, "is_lifted": each.is_lifted})

    def _write(self, admin: psycopg.Connection) -> None:
        for table, rows in (
            ("consents", self._consents()),
            ("consent_withdrawals", self._withdrawals()),
            ("legal_bases", self._bases()),
            ("referrals", self._referrals()),
            ("referral_answers", self._answers()),
        ):
            each = list(rows)
            columns = list(each[0])
            values = ", ".join(f"%({column})s" for column in columns)
            with admin.cursor() as cursor:
                cursor.executemany(
                    f"insert into app.{table} ({', '.join(columns)}) values ({values})".encode(), each
                )

    def _consents(self) -> Iterator[dict[str, Any]]:
        for terms in self.terms:
            pair, ground = self.pairs[terms.agreement], GROUNDS[terms.ground]
            if ground.kind == CONSENT or ground.after_withdrawal:
                yield {
                    **_of_ground(terms, pair),
                    "giver": "SELF",
                    "mode": "APP",
                    "notice_version": "1",
                    "notice_language": "bn",
                    "agreed": ["PURPOSE"],
                    "given_at": NOW - timedelta(days=30),
                }

    def _withdrawals(self) -> Iterator[dict[str, Any]]:
        for terms in self.terms:
            pair, ground = self.pairs[terms.agreement], GROUNDS[terms.ground]
            if ground.after_withdrawal or (ground.kind == CONSENT and ground.is_taken_back):
                yield {
                    "organisation_id": pair.sender_id,
                    "consent_id": terms.ground_id,
                    "survivor_id": pair.survivor,
                    "created_by": pair.manager,
                }

    def _bases(self) -> Iterator[dict[str, Any]]:
        for terms in self.terms:
            pair, ground = self.pairs[terms.agreement], GROUNDS[terms.ground]
            if ground.kind not in (None, CONSENT):
                is_vital = ground.kind == VITAL_INTEREST
                approved = is_vital and ground.is_approved
                yield {
                    **_of_ground(terms, pair),
                    "kind": ground.kind,
                    "reference": None if is_vital else "R 1",
                    "created_at": NOW - timedelta(hours=1),
                    "approved_by": pair.worker if approved else None,
                    "approved_at": NOW if approved else None,
                    "ended_by": pair.manager if ground.is_taken_back else None,
                    "ended_at": NOW if ground.is_taken_back else None,
                }

    def _referrals(self) -> Iterator[dict[str, Any]]:
        for terms in self.terms:
            pair, kind = self.pairs[terms.agreement], GROUNDS[terms.ground].kind
            yield {
                "organisation_id": pair.sender_id,
                "id": terms.id,
                "received_id": terms.received_id,
                "case_id": pair.case,
                "survivor_id": pair.survivor,
                "to_organisation_id": pair.receiver_id,
                "need": "COURT_FOLLOW_UP",
                "urgency": "SOON",
                "scopes": list(terms.named),
                "state": terms.state,
                "consent_id": terms.ground_id if kind == CONSENT else None,
                "basis_id": terms.ground_id if kind not in (None, CONSENT) else None,
                "agreed_until": terms.until,
                "sent_at": NOW,
                "created_by": pair.manager,
            }

    def _answers(self) -> Iterator[dict[str, Any]]:
        for terms in self.terms:
            pair = self.pairs[terms.agreement]
            for answer in ANSWERS[terms.answer]:
                yield {
                    "organisation_id": pair.receiver_id,
                    "id": uuid5(NAMES, f"{answer} {terms.number}"),
                    "referral_organisation_id": pair.sender_id,
                    "referral_id": terms.received_id,
                    "answer": answer,
                    "reason": "NO_CAPACITY" if answer == "DECLINED" else None,
                    "created_by": pair.worker,
                }

    def _take_out(self, admin: psycopg.Connection) -> None:
        gone = {
            "sent": [terms.id for terms in self.terms],
            "received": [terms.received_id for terms in self.terms],
            "grounds": [terms.ground_id for terms in self.terms],
        }
        for statement in (
            "delete from app.referral_answers where referral_id = any(%(received)s)",
            "delete from app.referrals where id = any(%(sent)s)",
            "delete from app.consent_withdrawals where consent_id = any(%(grounds)s)",
            "delete from app.legal_bases where id = any(%(grounds)s)",
            "delete from app.consents where id = any(%(grounds)s)",
            "delete from app.partner_suspensions where created_by = partner_id",
            "delete from app.agreements",
            "insert into app.agreements select * from public.signed",
            "drop table public.signed",
        ):
            admin.execute(statement, gone)


def _of_ground(terms: Terms, pair: Pair) -> dict[str, Any]:
    """What a consent and every other basis say."""
    return {
        "organisation_id": pair.sender_id,
        "id": terms.ground_id,
        "survivor_id": pair.survivor,
        "recipient_id": pair.receiver_id,
        "purpose": "COURT_FOLLOW_UP",
        "scopes": terms.agreed,
        "valid_until": terms.ground_until,
        "created_by": pair.manager,
    }
