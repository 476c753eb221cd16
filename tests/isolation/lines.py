"""Every kind of referral that there can be, from two senders, under colliding ids, to two receivers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from tests.support.made import author
from tests.support.people import named
from tests.support.wall import Wall, as_superuser, insert

from pat_auth.policy import Role

STATES = ("DRAFT", "CONSENT_RECORDED", "SENT", "SUSPENDED", "REVOKED", "CLOSED")
ANSWERS: tuple[tuple[str, ...], ...] = (
    (),
    ("ACCEPTED",),
    ("ACCEPTED", "IN_PROGRESS"),
    ("ACCEPTED", "DECLINED"),
    ("ACCEPTED", "IN_PROGRESS", "COMPLETED"),
    ("stray",),
)
EVERYTHING = (
    "LEGAL_STATUS",
    "HEARING_SCHEDULE",
    "IDENTITY_FULL",
    "IDENTITY_MINIMAL",
    "CONTACT_SAFE",
    "RISK_SAFETY",
)
SCOPES = ((), ("LEGAL_STATUS", "CONTACT_SAFE"), ("HEARING_SCHEDULE", "IDENTITY_MINIMAL"), EVERYTHING)
OTHER = {"goa": "delhi", "delhi": "goa"}
NOW = datetime.now(UTC)
STAGE = {"cbo-a": "CHARGESHEET", "cbo-b": "FIR"}
RISK = {"cbo-a": "LOW", "cbo-b": "HIGH"}
IS_A_CHILD = {"cbo-a": True, "cbo-b": False}


@dataclass(frozen=True)
class Line:
    """One line of the table: a referral of ``slug``, and what the door must do with it."""

    slug: str
    number: int
    state: str
    answers: tuple[str, ...]
    is_agreed: bool
    scopes: tuple[str, ...]
    to: str

    @property
    def id(self) -> UUID:
        """Both senders use the same ids."""
        return named("line", str(self.number))

    @property
    def received(self) -> UUID:
        return named("received line", str(self.number))

    @property
    def status(self) -> str:
        if self.state != "SENT":
            return self.state
        for final in ("DECLINED", "COMPLETED"):
            if final in self.answers:
                return final
        if not self.is_agreed:
            return "EXPIRED"
        said = [answer for answer in ("IN_PROGRESS", "ACCEPTED") if answer in self.answers]
        return said[0] if said else "SENT"

    @property
    def is_sent(self) -> bool:
        return self.state not in ("DRAFT", "CONSENT_RECORDED")

    @property
    def is_open(self) -> bool:
        return self.status in ("ACCEPTED", "IN_PROGRESS")

    @property
    def true_answers(self) -> list[str]:
        return [answer for answer in self.answers if answer != "stray"]


COMBINATIONS = list(product(STATES, ANSWERS, (True, False), SCOPES, ("goa", "delhi")))
LINES = [
    *(Line("cbo-a", number, *combination) for number, combination in enumerate(COMBINATIONS)),
    # Turned by a prime: whatever a line of cbo-a is, cbo-b's line of the same ids is something else.
    *(
        Line("cbo-b", (number + 211) % len(COMBINATIONS), *combination)
        for number, combination in enumerate(COMBINATIONS)
    ),
]


def put_lines(wall: Wall) -> None:
    """Every line as a referral about one case of each sender, and no other referral; the two cases have the same id."""
    case, survivor = named("case of lines"), named("survivor of lines")
    with wall.admin.cursor() as cursor:
        cursor.execute(
            "delete from app.hearing_confirmations; delete from app.referral_updates; delete from app.referral_assignments;"
            " delete from app.referral_hearings; delete from app.referral_answers; delete from app.referrals"
        )
        for slug in ("cbo-a", "cbo-b"):
            _put_case(wall, slug, case, survivor)
            for to in OTHER:
                _put_terms(wall, slug, to, survivor)
        cursor.executemany(
            "insert into app.referrals (organisation_id, id, received_id, case_id, survivor_id, to_organisation_id, need,"
            " urgency, scopes, state, consent_id, agreed_until, sent_at, created_by)"
            " values (%s, %s, %s, %s, %s, %s, 'SHELTER', 'SOON', %s, %s, %s, %s, now(), %s)",
            [
                (
                    wall.organisation(line.slug),
                    line.id,
                    line.received,
                    case,
                    survivor,
                    wall.organisation(line.to),
                    list(line.scopes),
                    line.state,
                    consent_of(line.to),
                    NOW + timedelta(days=30 if line.is_agreed else -1),
                    author(line.slug),
                )
                for line in LINES
            ],
        )
        cursor.executemany(
            "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
            " values (%s, gen_random_uuid(), %s, %s, %s, %s)",
            [
                (
                    wall.organisation(OTHER[line.to] if answer == "stray" else line.to),
                    wall.organisation(line.slug),
                    line.received,
                    "ACCEPTED" if answer == "stray" else answer,
                    author(line.slug),
                )
                for line in LINES
                for answer in line.answers
            ],
        )


def consent_of(to: str) -> UUID:
    """Both senders use the same ids."""
    return named("consent of lines", to)


def _put_terms(wall: Wall, slug: str, to: str, survivor: UUID) -> None:
    """A consent to everything, and what both sides have signed: the lines are about the other terms."""
    everything = list(EVERYTHING)
    row: dict[str, Any] = {
        **wall.rows["app.consents"][slug]["hers"],
        "id": consent_of(to),
        "survivor_id": survivor,
        "recipient_id": wall.organisation(to),
        "purpose": "SHELTER",
        "scopes": everything,
    }
    insert(wall.admin, "app.consents", row)
    for organisation, partner in ((slug, to), (to, slug)):
        wall.admin.execute(
            "insert into app.agreements (organisation_id, partner_id, scopes, valid_from, valid_until, created_by, updated_by)"
            " values (%s, %s, %s, now() - interval '1 day', now() + interval '60 days', %s, %s)"
            " on conflict (organisation_id, partner_id) do update set scopes = excluded.scopes",
            (
                wall.organisation(organisation),
                wall.organisation(partner),
                everything,
                author(slug),
                author(slug),
            ),
        )


def _put_case(wall: Wall, slug: str, case: UUID, survivor: UUID) -> None:
    """A copy of a case and all that hangs on it, under ids that both organisations use."""
    for name in (
        *("survivors", "survivor_keys", "survivor_identities"),
        *("cases", "legal_proceedings", "hearings"),
    ):
        row: dict[str, Any] = dict(wall.rows[f"app.{name}"][slug]["hers"])
        if "id" in row:
            row["id"] = {"survivors": survivor, "cases": case}.get(name, named(name, "of lines"))
        row |= {key: value for key, value in _links(case, survivor).items() if key in row}
        if "code" in row:
            row["code"] = "of lines"
        told: dict[str, dict[str, Any]] = {
            "legal_proceedings": {"stage": STAGE[slug]},
            "cases": {"risk_level": RISK[slug]},
            "survivors": {"is_minor_at_intake": IS_A_CHILD[slug], "birth_year": None},
            "survivor_identities": {"first_name": slug.encode(), "phone": slug.encode()},
        }
        row |= told.get(name, {})
        columns, marks = ", ".join(row), ", ".join(["%s"] * len(row))
        statement = f"insert into app.{name} ({columns}) values ({marks})"
        wall.admin.execute(statement.encode(), list(row.values()))


def _links(case: UUID, survivor: UUID) -> dict[str, UUID]:
    return {
        "case_id": case,
        "survivor_id": survivor,
        "proceeding_id": named("legal_proceedings", "of lines"),
    }


def read(wall: Wall, slug: str, role: Role, statement: str) -> Counter[tuple[Any, ...]]:
    member = wall.member(slug, role)
    with as_superuser(wall.admin, member.login, member.session):
        return Counter(wall.admin.execute(statement.encode()).fetchall())


def array(codes: Iterable[str]) -> str:
    """As PostgreSQL writes it."""
    return "{" + ",".join(codes) + "}"
