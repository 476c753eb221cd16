"""Faults to plant in tables: for every rule of the lint about them, the ways in which it could be broken."""

from __future__ import annotations

from dataclasses import dataclass

_NEW = "create table app.planted (organisation_id uuid, id uuid, primary key (organisation_id, id))"
_NEW_IS_BARE = (
    "table without a policy",
    "tenant table without the fence",
    "table that is open without a session",
)


@dataclass(frozen=True)
class Plant:
    """One fault: the statement that plants it, a part of the name under which it is found, and the rules that it breaks besides."""

    sql: str
    names: str
    also: tuple[str, ...] = ()


def as_owner(statement: str) -> str:
    return f"set local role pat_owner; {statement}; reset role"


OF_TABLES: dict[str, tuple[Plant, ...]] = {
    "table without forced row security": (
        Plant("alter table app.cases no force row level security", "app.cases"),
        Plant("alter table app.survivor_identities disable row level security", "app.survivor_identities"),
        Plant("alter table sec.sessions no force row level security", "sec.sessions"),
        Plant("alter table trail.events disable row level security", "trail.events"),
        Plant(as_owner(_NEW), "app.planted", also=_NEW_IS_BARE),
        Plant(
            as_owner(
                "create table app.planted (organisation_id uuid not null) partition by list (organisation_id)"
            ),
            "app.planted",
            also=(*_NEW_IS_BARE, "tenant table without a primary key"),
        ),
        Plant(
            """create foreign data wrapper planted; create server planted foreign data wrapper planted;
            create foreign table app.planted (organisation_id uuid) server planted;
            alter foreign table app.planted owner to pat_owner""",
            "app.planted",
            also=(
                *_NEW_IS_BARE,
                "tenant table without a primary key",
                "extension or foreign server that is on no list",
            ),
        ),
    ),
    "table without a policy": (
        Plant(
            """do $$ declare p record; begin
                for p in select policyname from pg_policies where tablename = 'group_entries' and permissive = 'PERMISSIVE'
                loop execute format('drop policy %I on app.group_entries', p.policyname); end loop;
            end $$""",
            "app.group_entries",
        ),
        Plant("drop policy keeper on trail.heads", "trail.heads"),
    ),
    "tenant table without the fence": (
        Plant("drop policy fence on app.cases", "app.cases"),
        Plant("alter policy fence on app.cases using (true)", "app.cases"),
        Plant("alter policy fence on app.cases with check (true)", "app.cases"),
        Plant("alter policy fence on app.cases to pat_case_manager", "app.cases"),
        Plant("alter policy fence on app.cases to pat_application, pat_door_referral", "app.cases"),
        Plant("alter policy fence on app.cases rename to wall", "app.cases"),
        Plant(
            "alter policy fence on app.cases using (organisation_id = (select nullif(current_setting('pat.organisation'), '')::uuid))",
            "app.cases",
        ),
        Plant(
            """drop policy fence on app.cases; create policy fence on app.cases as restrictive for select to pat_application
            using (organisation_id = (select substr(session_user::text, 5, 32)::uuid))""",
            "app.cases",
        ),
        Plant(
            """drop policy fence on app.cases; create policy fence on app.cases as permissive to pat_application
            using (organisation_id = (select substr(session_user::text, 5, 32)::uuid))
            with check (organisation_id = (select substr(session_user::text, 5, 32)::uuid))""",
            "app.cases",
            also=("policy for a role that is on no list",),
        ),
    ),
    "table that is open without a session": (
        Plant("drop policy session on app.places", "app.places"),
        Plant("alter policy session on app.cases using (true)", "app.cases"),
        Plant("alter policy session on app.referrals to pat_application", "app.referrals"),
        Plant("alter policy session on app.referrals to pat_door_referral", "app.referrals"),
    ),
    "table whose author is not checked": (
        Plant("drop policy author on app.cases", "app.cases"),
        Plant("alter policy author on app.case_notes with check (true)", "app.case_notes"),
        Plant("alter policy author on app.case_notes to pat_social_worker", "app.case_notes"),
    ),
    "table whose first writer is not checked": (
        Plant("drop policy first_signature on app.cases", "app.cases"),
        Plant("alter policy first_signature on app.cases with check (created_by is not null)", "app.cases"),
    ),
    "table whose last writer is not checked": (
        Plant("drop policy signature on app.cases", "app.cases"),
        Plant("alter policy signature on app.cases with check (updated_by is not null)", "app.cases"),
    ),
    "tenant table without a primary key": (
        Plant("alter table app.replays drop constraint pk_replays", "app.replays"),
    ),
    "key that does not begin with organisation_id": (
        Plant("create unique index planted on app.cases (code)", "app.cases.planted"),
        Plant("create unique index planted on app.cases (id, organisation_id)", "app.cases.planted"),
        Plant(
            "create unique index planted on app.survivors (lower(code), organisation_id)",
            "app.survivors.planted",
        ),
        Plant("create unique index planted on app.cases (id) where closed_on is null", "app.cases.planted"),
        Plant(
            "alter table app.cases add constraint planted exclude using btree (id with =)",
            "app.cases.planted",
        ),
        Plant("alter table app.case_notes add constraint planted unique (id)", "app.case_notes.planted"),
    ),
    "index that does not begin with organisation_id": (
        Plant(
            "create index planted on app.referral_updates (referral_organisation_id, referral_id)",
            "app.referral_updates.planted",
        ),
        Plant("create index planted on app.cases (opened_on, organisation_id)", "app.cases.planted"),
        Plant(
            "create index planted on app.survivors (lower(code), organisation_id)", "app.survivors.planted"
        ),
        Plant(
            """drop index app.ix_referrals_to_organisation_id_organisation_id;
            create index ix_referrals_to_organisation_id_organisation_id on app.referrals (to_organisation_id)""",
            "app.referrals.ix_referrals_to_organisation_id_organisation_id",
        ),
    ),
    "foreign key that does not begin with organisation_id": (
        Plant(
            """alter table app.case_notes add constraint planted
            foreign key (case_id, organisation_id, survivor_id) references app.cases (id, organisation_id, survivor_id)""",
            "app.case_notes.planted",
        ),
        Plant(
            "alter table app.memberships add constraint planted foreign key (person_id) references sec.people (id)",
            "planted",
        ),
        Plant(
            """alter table app.referral_answers add constraint planted
            foreign key (referral_organisation_id, referral_id) references app.referrals (organisation_id, received_id)""",
            "app.referral_answers.planted",
        ),
        Plant(
            """alter table app.referral_hearings add constraint fk_referral_answers_referral
            foreign key (referral_organisation_id, referral_id) references app.referrals (organisation_id, received_id)""",
            "app.referral_hearings.fk_referral_answers_referral",
        ),
        Plant(
            """alter table app.referral_answers drop constraint fk_referral_answers_referral;
            alter table app.referral_answers add constraint fk_referral_answers_referral
            foreign key (referral_organisation_id, referral_id) references app.referrals (organisation_id, received_id)
            on delete cascade""",
            "app.referral_answers.fk_referral_answers_referral",
        ),
    ),
    "reference table that points at an organisation's rows": (
        Plant(
            """alter table app.places add column organisation_id uuid, add column case_id uuid,
            add constraint planted foreign key (organisation_id, case_id) references app.cases (organisation_id, id)""",
            "app.places.planted",
        ),
        Plant(
            """alter table sec.sessions add constraint planted
            foreign key (organisation_id, membership_id) references app.memberships (organisation_id, id)""",
            "sec.sessions.planted",
        ),
    ),
    "constraint that is not checked": (
        Plant(
            "alter table app.cases add constraint planted check (version > 0) not valid", "app.cases.planted"
        ),
        Plant("alter table app.hearings disable trigger all", "app.hearings."),
    ),
    "trigger or rewrite rule": (
        Plant(
            """create trigger planted before update on app.cases
            for each row execute function suppress_redundant_updates_trigger()""",
            "app.cases.planted",
        ),
        Plant(
            "create trigger planted after insert on app.referrals for each row execute function sec.note_referral()",
            "app.referrals.planted",
        ),
        Plant(
            """drop trigger note on app.referrals; create trigger note before insert on app.referrals
            for each row execute function suppress_redundant_updates_trigger()""",
            "app.referrals.note",
        ),
        Plant("create rule planted as on insert to app.case_notes do also nothing", "app.case_notes.planted"),
        Plant(
            """create function public.planted() returns event_trigger language plpgsql as 'begin end';
            create event trigger planted on ddl_command_start execute function public.planted()""",
            "planted",
        ),
    ),
    "table in a schema that is not ours": (
        Plant("create table public.planted (id int)", "public.planted"),
        Plant("create table migrations.planted (id int)", "migrations.planted"),
        Plant("create schema planted; create table planted.versions (id int)", "planted.versions"),
    ),
    "view that is no door": (
        Plant("create view public.planted as select 1 as one", "public.planted"),
        Plant(as_owner("create view app.planted as select 1 as one"), "app.planted"),
        Plant("create view door.planted with (security_barrier) as select id from app.cases", "door.planted"),
        Plant("alter view door.sent_answers owner to pat_sec", "door.sent_answers"),
    ),
    "door without a security barrier": (
        Plant("alter view door.received_referrals set (security_barrier = false)", "door.received_referrals"),
        Plant("alter view door.sent_hearings reset (security_barrier)", "door.sent_hearings"),
    ),
    "materialized view": (
        Plant("create materialized view public.planted as select id from app.cases", "public.planted"),
    ),
    "publication": (Plant("create publication planted for table app.cases", "planted"),),
    "table or function whose owner is not its schema's": (
        Plant("create sequence app.planted", "app.planted of postgres"),
        Plant("alter function sec.actor() owner to postgres", "sec.actor() of postgres"),
        Plant("alter function trail.field(text) owner to pat_sec", "trail.field(text) of pat_sec"),
        Plant("alter schema trail owner to pat_sec", "trail of pat_sec"),
    ),
}
