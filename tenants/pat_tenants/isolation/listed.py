"""The closed lists of the catalogue lint: everything that is an exception to one of its rules, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pat_platform.database.logins import JOBS, KEYS
from pat_tenants.isolation import sign_in, waking
from pat_tenants.isolation.doors import DOORS
from pat_tenants.isolation.roles import GROUP, MIGRATOR
from pat_tenants.isolation.trail_doors import AUDITING
from pat_tenants.key_tables import WRAPPED, key_tables

REFERENCE_TABLES = ("app.organisations", "app.places", "app.transitions")
"""Tables for the whole network; every other table in the schema ``app`` is an organisation's."""

_TO_A_REFERRAL = "FOREIGN KEY (referral_organisation_id, referral_id) REFERENCES app.referrals(organisation_id, received_id)"

SECOND_REFERENCES = (
    ("app.referral_answers", "fk_referral_answers_referral", _TO_A_REFERRAL),
    ("app.referral_hearings", "fk_referral_hearings_referral", _TO_A_REFERRAL),
    ("app.referral_updates", "fk_referral_updates_referral", _TO_A_REFERRAL),
    ("app.referral_assignments", "fk_referral_assignments_referral", _TO_A_REFERRAL),
    (
        "app.hearing_confirmations",
        "fk_hearing_confirmations_hearing",
        "FOREIGN KEY (hearing_organisation_id, hearing_id) REFERENCES app.referral_hearings(organisation_id, id)",
    ),
)
"""Foreign keys from a row of one organisation to another's referral: the policies of these tables ask the door first."""


def _index(table: str, *columns: str) -> tuple[str, str]:
    name = f"ix_{table}_{'_'.join(columns)}"
    return f"app.{table}.{name}", f"CREATE INDEX {name} ON app.{table} USING btree ({', '.join(columns)})"


INDEXES: Mapping[str, str] = MappingProxyType(
    dict(
        (
            # Doors look here for what is addressed to their caller. The fence is the second column, and so a condition of the index too:
            # no row of others is fetched to be removed.
            _index("referrals", "to_organisation_id", "organisation_id"),
            _index("agreements", "partner_id", "organisation_id"),
            _index("consents", "recipient_id", "organisation_id"),
            _index("legal_bases", "recipient_id", "organisation_id"),
            # Whoever comes with an invitation says no organisation. No application role may read the column, nor so ask for it.
            _index("invitations", "token_hash"),
            # Whoever wakes those who wait asks for all organisations at once. Each of them has an index of its own for its own.
            _index("referral_changes", "transaction"),
        )
    )
)
"""Indexes of tenant tables that lead past the fence: ``explain analyze`` counts the rows that a policy removed after them."""

TRIGGERS: Mapping[str, str] = MappingProxyType(
    {
        **waking.TRIGGERS,
        "app.consent_withdrawals.note": (
            "CREATE TRIGGER note AFTER INSERT ON app.consent_withdrawals FOR EACH ROW EXECUTE FUNCTION sec.note_withdrawal()"
        ),
        "app.agreements.note": (
            "CREATE TRIGGER note AFTER INSERT OR UPDATE ON app.agreements FOR EACH ROW EXECUTE FUNCTION sec.note_agreement()"
        ),
        "app.legal_bases.note": (
            "CREATE TRIGGER note AFTER UPDATE ON app.legal_bases FOR EACH ROW EXECUTE FUNCTION sec.note_basis()"
        ),
        "app.legal_bases.take_step": (
            "CREATE TRIGGER take_step BEFORE UPDATE ON app.legal_bases FOR EACH ROW EXECUTE FUNCTION app.take_basis_step()"
        ),
        "app.referrals.take_step": (
            "CREATE TRIGGER take_step BEFORE INSERT OR UPDATE ON app.referrals FOR EACH ROW EXECUTE FUNCTION app.take_step()"
        ),
        **{
            f"app.{table}.take_step": (
                f"CREATE TRIGGER take_step BEFORE INSERT OR UPDATE ON app.{table} FOR EACH ROW"
                f" EXECUTE FUNCTION app.take_hearing_step('{noun}')"
            )
            for table, noun in (("hearings", "hearing"), ("referral_hearings", "referral_hearing"))
        },
        "app.referrals.note_step": (
            "CREATE TRIGGER note_step AFTER INSERT OR UPDATE ON app.referrals FOR EACH ROW EXECUTE FUNCTION sec.note_step()"
        ),
        **{
            f"app.{table}.{name}": (
                f"CREATE TRIGGER {name} BEFORE {commands} ON app.{table} FOR EACH ROW EXECUTE FUNCTION app.{name}()"
            )
            for table, name, commands in (
                ("referrals", "keep_moments", "INSERT OR UPDATE"),
                ("hearing_confirmations", "keep_confirming", "UPDATE"),
                ("partner_suspensions", "keep_lifting", "UPDATE"),
            )
        },
        "app.referral_answers.take_answer": (
            "CREATE TRIGGER take_answer BEFORE INSERT ON app.referral_answers FOR EACH ROW EXECUTE FUNCTION app.take_answer()"
        ),
    }
)
"""All triggers that there are, as PostgreSQL writes them."""

DEFINERS = (
    "sec.actor()",
    "sec.membership()",
    "sec.survivor()",
    "sec.enter(text)",
    "trail.record(text,uuid[],jsonb)",
    "trail.reveal(text,jsonb)",
    "trail.numbers_about(uuid)",
    "trail.unsigned_heads()",
    "trail.hash_of(uuid,bigint)",
    "trail.keep_signature(uuid,bigint,bytea,text)",
    "sec.is_held()",
    *sign_in.CALLERS,
    *waking.CALLERS,
    *waking.WRITERS,
)
"""Functions that run as their owner."""

CALLERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sec.actor()": (GROUP, "pat_trail"),
        "sec.membership()": (GROUP,),
        "sec.survivor()": (GROUP,),
        "sec.enter(text)": (GROUP,),
        "sec.moment()": (GROUP,),
        "trail.record(text,uuid[],jsonb)": (GROUP,),
        "trail.reveal(text,jsonb)": (GROUP,),
        "trail.numbers_about(uuid)": AUDITING,
        "trail.unsigned_heads()": (JOBS,),
        "trail.hash_of(uuid,bigint)": (JOBS,),
        "trail.keep_signature(uuid,bigint,bytea,text)": (JOBS,),
        "sec.is_held()": (GROUP,),
        "app.my_referrals()": (GROUP,),
        "app.received_status(uuid,uuid)": (GROUP,),
        **sign_in.CALLERS,
        **waking.CALLERS,
    }
)
"""Which roles of ours may call which functions of others."""

HIDDEN_VIEWS = ("door.all_agreements",)
"""Views that other views of their door are made of: nobody may read them."""

OTHER_TABLES = ("migrations.versions",)
"""Tables outside the schemas of the wall."""

EXTENSIONS = ("plpgsql",)
"""Whatever else an extension brings, everyone may execute its functions."""

# As PostgreSQL writes them back from the catalogue.
FENCE = "(organisation_id = ( SELECT (substr((SESSION_USER)::text, 5, 32))::uuid AS substr))"
SESSION = "(( SELECT sec.actor() AS actor) IS NOT NULL)"
AUTHOR = "(created_by = ( SELECT sec.actor() AS actor))"
FIRST_SIGNATURE = "(COALESCE(updated_by, created_by) = ( SELECT sec.actor() AS actor))"
SIGNATURE = "(updated_by = ( SELECT sec.actor() AS actor))"


@dataclass(frozen=True)
class Privilege:
    """One privilege of a role that is no application role; ``column`` is ``*`` for the whole table."""

    role: str
    table: str
    kind: str
    column: str = "*"


_KEEPERS = (
    *(
        Privilege("pat_sec", "app.memberships", "SELECT", column)
        for column in ("organisation_id", "id", "person_id", "role", "survivor_id", "ended_at")
    ),
    *(
        Privilege("pat_sec", "app.safety_holds", "SELECT", column)
        for column in ("organisation_id", "survivor_id", "lifted_at")
    ),
    Privilege("pat_service_issuer", "app.memberships", "SELECT"),
    Privilege("pat_service_issuer", "app.organisations", "SELECT"),
    Privilege("pat_service_issuer", "sec.people", "SELECT"),
    Privilege("pat_service_issuer", "sec.logins", "SELECT"),
    Privilege("pat_service_issuer", "sec.sessions", "SELECT"),
    Privilege("pat_service_issuer", "sec.sessions", "INSERT"),
    Privilege("pat_service_issuer", "sec.sessions", "UPDATE", "revoked_at"),
    Privilege(MIGRATOR, "sec.logins", "SELECT", "login"),
)


def privileges() -> list[Privilege]:
    """What the keepers of sessions and of keys and the doors' owners may do, column by column. The fence binds none of them."""
    kept = (Privilege(*grant) for grant in (*sign_in.grants(), *waking.grants()))
    return [*_KEEPERS, *_wrapped_keys(), *kept, *_openings()]


def _wrapped_keys() -> Iterator[Privilege]:
    """Of wrapped keys: all of them, and no column that they open."""
    yield Privilege(KEYS, "app.organisations", "SELECT", "id")
    yield Privilege(KEYS, "app.organisations", "SELECT", "slug")
    for table in key_tables():
        for column in ("organisation_id", table.subject, WRAPPED):
            yield Privilege(KEYS, table.name, "SELECT", column)
        yield Privilege(KEYS, table.name, "UPDATE", WRAPPED)


def _openings() -> Iterator[Privilege]:
    for door in DOORS:
        for opening in door.openings:
            for column in opening.columns:
                yield Privilege(door.owner, opening.table, "SELECT", column)
