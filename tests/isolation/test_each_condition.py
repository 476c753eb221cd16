"""Each condition of the doors of a referral by itself: one thing is done to a referral that is open, and every view says what follows.

The truth table asks whether the conditions hold together; here none can be taken away from any view without being missed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
from tests.isolation.lines import array, read
from tests.support.people import named
from tests.support.sharing_rows import ALL_SCOPES
from tests.support.wall import Wall, insert

from pat_auth.policy import Role
from pat_tenants.isolation.doors import REFERRAL
from pat_tenants.isolation.network_doors import NETWORK_REFERRALS

US, THEM, OTHERS, THIRD = "cbo-a", "goa", "cbo-b", "delhi"
ORGANISATION = {slug: named("organisation", slug) for slug in (US, THEM, OTHERS, THIRD)}
HERS, RECEIVED = named(US, "referrals", "hers"), named(US, "received", "hers")
CONSENT, BASIS = named(US, "consents", "hers"), named(US, "legal_bases", "hers")
OPEN = ("ACCEPTED", "IN_PROGRESS")
NARROW = ("RISK_SAFETY",)


def day(number: int) -> str:
    return f"now() + interval '{number} days'"


@dataclass(frozen=True)
class Seen:
    """What every view must say of the referral. ``until`` and ``begins`` are days from now."""

    status: str = "ACCEPTED"
    scopes: tuple[str, ...] = ALL_SCOPES
    until: int = 30
    begins: int | None = -30
    ground: str | None = "CONSENT"

    @property
    def shared(self) -> tuple[str, ...]:
        """The scopes that are open to the receiver."""
        return self.scopes if self.status in OPEN else ()


AS_BEFORE = Seen()
ON_AN_ORDER = Seen(ground="COURT_ORDER")
ON_NOTHING = Seen("EXPIRED", ground=None)

# Of cbo-a: another of the same id is cbo-b's.
_OURS = f"organisation_id = '{ORGANISATION[US]}'"
_REFERRAL = f"update app.referrals set {{}} where id = '{HERS}' and {_OURS}"
_CONSENT = f"update app.consents set {{}} where id = '{CONSENT}' and {_OURS}"
_BASIS = f"update app.legal_bases set {{}} where id = '{BASIS}' and {_OURS}"
_STANDS_ON_BASIS = _REFERRAL.format(f"consent_id = null, basis_id = '{BASIS}'") + ";"
_VITAL = f"kind = 'VITAL_INTEREST', reference = null, scopes = '{{CONTACT_SAFE,RISK_SAFETY}}', valid_until = {day(2)}"
_APPROVED = ", approved_by = gen_random_uuid(), approved_at = now()"


def _of(side: str) -> str:
    other = THEM if side == US else US
    return f"where organisation_id = '{ORGANISATION[side]}' and partner_id = '{ORGANISATION[other]}'"


def _signed(side: str, change: str) -> str:
    return f"update app.agreements set {change} {_of(side)}"


def _answered(by: str, answer: str, *, sender: str = US, referral: UUID = RECEIVED) -> str:
    return (
        "insert into app.referral_answers (organisation_id, id, referral_organisation_id, referral_id, answer, created_by)"
        f" values ('{ORGANISATION[by]}', gen_random_uuid(), '{ORGANISATION[sender]}', '{referral}', '{answer}', gen_random_uuid())"
    )


def _shut(slug: str, lifted: str = "null") -> str:
    return (
        "insert into app.partner_suspensions (organisation_id, id, partner_id, reason, created_by, lifted_at)"
        f" values ('{named('organisation', 'secretariat')}', gen_random_uuid(), '{ORGANISATION[slug]}', 'CLOSED',"
        f" gen_random_uuid(), {lifted})"
    )


_WITHDRAWN = (
    "insert into app.consent_withdrawals (organisation_id, consent_id, survivor_id, created_by)"
    f" select organisation_id, id, survivor_id, created_by from app.consents where id = '{CONSENT}' and"
)

_EVERYTHING = ";".join(
    f"alter policy {door.owner} on {opening.table} using (true)"
    for door in (REFERRAL, NETWORK_REFERRALS)
    for opening in door.openings
)

# One thing that is done, and what every view must say afterwards.
DONE: dict[str, tuple[str, Seen]] = {
    "nothing": ("select", AS_BEFORE),
    # What its sender says.
    "suspended for her": (_REFERRAL.format("state = 'SUSPENDED'"), Seen("SUSPENDED")),
    "revoked": (_REFERRAL.format("state = 'REVOKED'"), Seen("REVOKED")),
    "closed": (_REFERRAL.format("state = 'CLOSED'"), Seen("CLOSED")),
    "over": (_REFERRAL.format(f"agreed_until = {day(-1)}"), Seen("EXPIRED", until=-1)),
    "ends soon": (_REFERRAL.format(f"agreed_until = {day(5)}"), Seen(until=5)),
    "shares less": (_REFERRAL.format("scopes = '{RISK_SAFETY}'"), Seen(scopes=NARROW)),
    # What its receiver says, and what others say of what is called the same.
    "no answer": (f"delete from app.referral_answers where referral_id = '{RECEIVED}'", Seen("SENT")),
    "in progress": (_answered(THEM, "IN_PROGRESS"), Seen("IN_PROGRESS")),
    "declined": (_answered(THEM, "DECLINED"), Seen("DECLINED")),
    "completed": (_answered(THEM, "COMPLETED"), Seen("COMPLETED")),
    "completed, says a third": (_answered(THIRD, "COMPLETED"), AS_BEFORE),
    "another of the receiver's is completed": (
        _answered(THEM, "COMPLETED", referral=named(US, "received", "ours")),
        AS_BEFORE,
    ),
    "one of the same id is completed": (_answered(THEM, "COMPLETED", sender=OTHERS), AS_BEFORE),
    # Her consent.
    "no consent": (_REFERRAL.format("consent_id = null"), ON_NOTHING),
    "withdrawn": (f"{_WITHDRAWN} {_OURS}", Seen("REVOKED")),
    "consent over": (_CONSENT.format(f"valid_until = {day(-1)}"), Seen("EXPIRED", until=-1)),
    "consent ends soon": (_CONSENT.format(f"valid_until = {day(5)}"), Seen(until=5)),
    "consent to less": (_CONSENT.format("scopes = '{RISK_SAFETY}'"), Seen(scopes=NARROW)),
    # Other bases.
    "order": (_STANDS_ON_BASIS, ON_AN_ORDER),
    "order after a withdrawal": (f"{_WITHDRAWN} {_OURS}; {_STANDS_ON_BASIS}", ON_AN_ORDER),
    "order ended": (
        _STANDS_ON_BASIS + _BASIS.format("ended_by = created_by, ended_at = now()"),
        replace(ON_AN_ORDER, status="REVOKED"),
    ),
    "order over": (
        _STANDS_ON_BASIS + _BASIS.format(f"created_at = {day(-9)}, valid_until = {day(-1)}"),
        replace(ON_AN_ORDER, status="EXPIRED", until=-1),
    ),
    "order ends soon": (
        _STANDS_ON_BASIS + _BASIS.format(f"valid_until = {day(5)}"),
        replace(ON_AN_ORDER, until=5),
    ),
    "order for less": (
        _STANDS_ON_BASIS + _BASIS.format("scopes = '{RISK_SAFETY}'"),
        replace(ON_AN_ORDER, scopes=NARROW),
    ),
    "order that it does not stand on ended": (
        _BASIS.format("ended_by = created_by, ended_at = now()"),
        AS_BEFORE,
    ),
    "vital interest": (
        _STANDS_ON_BASIS + _BASIS.format(_VITAL + _APPROVED),
        Seen(scopes=("CONTACT_SAFE", "RISK_SAFETY"), until=2, ground="VITAL_INTEREST"),
    ),
    "vital interest that nobody approved": (_STANDS_ON_BASIS + _BASIS.format(_VITAL), ON_NOTHING),
    # As if it could be for more than where she is.
    "vital interest in everything that nobody approved": (
        "alter table app.legal_bases drop constraint ck_legal_bases_vital;"
        + _STANDS_ON_BASIS
        + _BASIS.format(f"kind = 'VITAL_INTEREST', reference = null, valid_until = {day(2)}"),
        ON_NOTHING,
    ),
    # What the two have signed.
    **{
        f"{what}, {side}": (done, seen)
        for side in (US, THEM)
        for what, done, seen in (
            ("not signed", f"delete from app.agreements {_of(side)}", Seen("EXPIRED", begins=None)),
            ("suspended", _signed(side, "suspended_at = now()"), Seen("SUSPENDED")),
            ("agreement over", _signed(side, f"valid_until = {day(-1)}"), Seen("EXPIRED", until=-1)),
            ("agreement ends soon", _signed(side, f"valid_until = {day(5)}"), Seen(until=5)),
            ("agreement to come", _signed(side, f"valid_from = {day(5)}"), Seen("EXPIRED", begins=5)),
            ("agreement begins later", _signed(side, f"valid_from = {day(-5)}"), Seen(begins=-5)),
            (
                "agreement on less",
                _signed(side, "scopes = '{RISK_SAFETY}'"),
                Seen(scopes=NARROW),
            ),
            ("suspended in the network", _shut(side), Seen("SUSPENDED")),
            ("suspended in the network once", _shut(side, "now()"), AS_BEFORE),
        )
    },
    "a third is suspended in the network": (_shut(THIRD), AS_BEFORE),
    "completed, says a third, and the owners of the doors may read it": (
        f"{_EVERYTHING}; {_answered(THIRD, 'COMPLETED')}",
        AS_BEFORE,
    ),
}

RECEIVER, SENDER = (THEM, Role.DESTINATION_WORKER), (US, Role.CASE_MANAGER)
SECRETARIAT = ("secretariat", Role.SECRETARIAT_ANALYST)
_UNTIL, _EXPIRES, _BEGINS = (
    f"round(extract(epoch from {column} - now()) / 86400)::int"
    for column in ("agreed_until", "expires_at", "begins_at")
)
_BETWEEN = f"from_organisation_id = '{ORGANISATION[US]}' and to_organisation_id = '{ORGANISATION[THEM]}'"


def of_hers(view: str, shown: str = "'there'") -> str:
    return f"select {shown} from door.{view} where referral_id = '{RECEIVED}' and keeper_id = '{ORGANISATION[US]}'"


def shares(scope: str) -> Callable[[Seen], Rows]:
    return lambda seen: [("there",)] * (scope in seen.shared)


SHARED = {
    "received_proceedings": "LEGAL_STATUS",
    "received_hearings": "HEARING_SCHEDULE",
    "received_confirmations": "HEARING_SCHEDULE",
    "received_support": "HEARING_SCHEDULE",
    "received_identities": "IDENTITY_MINIMAL",
    "received_contacts": "CONTACT_SAFE",
}
Rows = Iterable[tuple[object, ...]]
# Of each view: who looks, at what, and what she must be shown.
VIEWS: dict[str, tuple[tuple[str, Role], str, Callable[[Seen], Rows]]] = {
    "door.received_referrals": (
        RECEIVER,
        f"select status, scopes::text, {_UNTIL}, {_BEGINS}, ground from door.received_referrals"
        f" where id = '{RECEIVED}' and from_organisation_id = '{ORGANISATION[US]}'",
        lambda seen: [
            (seen.status, array(seen.shared), seen.until, seen.begins, seen.ground if seen.shared else None)
        ],
    ),
    "door.referral_states": (
        SENDER,
        f"select status, {_UNTIL}, {_BEGINS}, ground from door.referral_states where id = '{HERS}'",
        lambda seen: [(seen.status, seen.until, seen.begins, seen.ground)],
    ),
    "door.network_referrals": (
        SECRETARIAT,
        f"select status from door.network_referrals where {_BETWEEN}",
        lambda seen: [(seen.status,)],
    ),
    "door.received_cases": (
        RECEIVER,
        of_hers("received_cases", f"scopes::text, {_EXPIRES}, risk_level"),
        lambda seen: [
            (array(seen.shared), seen.until, "HIGH" if "RISK_SAFETY" in seen.shared else None)
            for _ in seen.shared[:1]
        ],
    ),
    **{f"door.{view}": (RECEIVER, of_hers(view), shares(scope)) for view, scope in SHARED.items()},
}


@pytest.fixture
def one_of_two(wall: Wall) -> Iterator[Wall]:
    """``hers`` of cbo-a, which shares everything and which Goa has accepted, beside one of cbo-b that is called the same.

    That one stands on a consent of the same id that is withdrawn, beside a basis of the same id that holds.
    All that is done to it is undone.
    """
    with wall.admin.transaction(force_rollback=True):
        drafts_elsewhere = "update app.referrals set to_organisation_id = %s where state = 'DRAFT'"
        wall.admin.execute(drafts_elsewhere, (ORGANISATION[THIRD],))
        wall.admin.execute("update app.referrals set scopes = %s where id = %s", (list(ALL_SCOPES), HERS))
        same = {
            "referrals": {"id": HERS, "received_id": RECEIVED, "consent_id": CONSENT},
            "consents": {"id": CONSENT},
            "legal_bases": {"id": BASIS},
            "hearing_confirmations": {"referral_id": HERS},
        }
        wall.admin.execute(
            "delete from app.hearing_confirmations where organisation_id = %s", (ORGANISATION[OTHERS],)
        )
        for table in ("consents", "legal_bases", "referrals", "hearing_confirmations"):
            insert(wall.admin, f"app.{table}", {**wall.rows[f"app.{table}"][OTHERS]["hers"], **same[table]})
        theirs = f"organisation_id = '{ORGANISATION[OTHERS]}'"
        wall.admin.execute(f"{_WITHDRAWN} {theirs}".encode())
        yield wall


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_says_what_follows_from_each_condition(one_of_two: Wall, view: str) -> None:
    (slug, role), asked, expected = VIEWS[view]
    for name, (done, seen) in DONE.items():
        with one_of_two.admin.transaction(force_rollback=True):
            one_of_two.admin.execute(done.encode())
            assert read(one_of_two, slug, role, asked) == Counter(expected(seen)), name


# That the secretariat is shown no draft is its owner's policy alone.
@pytest.mark.parametrize("view", [view for view, (who, *_) in VIEWS.items() if who != SECRETARIAT])
def test_a_view_shows_the_same_when_its_owner_may_read_everything(one_of_two: Wall, view: str) -> None:
    (slug, role), *_ = VIEWS[view]
    asked = f"select to_jsonb(v)::text from {view} v"
    exchanged = named(US, "received", "exchanged")
    one_of_two.admin.execute("delete from app.referral_answers where referral_id = %s", (exchanged,))
    one_of_two.admin.execute(_answered(OTHERS, "ACCEPTED", referral=exchanged).encode())
    before = read(one_of_two, slug, role, asked)
    assert before
    one_of_two.admin.execute(_EVERYTHING.encode())
    assert read(one_of_two, slug, role, asked) == before


def test_the_steps_of_another_of_the_same_id_are_not_taken_for_its_own(one_of_two: Wall) -> None:
    (slug, role), asked = RECEIVER, of_hers("received_steps", "state")
    assert read(one_of_two, slug, role, asked) == Counter([("SENT",)])
    one_of_two.admin.execute(_EVERYTHING.encode())
    assert read(one_of_two, slug, role, asked) == Counter([("SENT",)])
