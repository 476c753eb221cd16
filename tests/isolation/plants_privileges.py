"""Faults to plant in privileges: for every rule of the lint about them, the ways in which it could be broken."""

from __future__ import annotations

from tests.isolation.plants import Plant, as_owner

_DEFINER = (
    "language sql security definer set search_path = pg_catalog, pg_temp as 'select 1';"
    " revoke all on function {0} from public; alter function {0} owner to {1}"
)


OF_PRIVILEGES: dict[str, tuple[Plant, ...]] = {
    "privilege of a role that is on no list": (
        Plant("create role planted; grant select on app.cases to planted", "planted may select app.cases"),
        Plant(
            "create role planted; grant select (id) on app.cases to planted",
            "planted may select app.cases.id",
        ),
        Plant(
            "create role planted in role pat_application; grant select on app.cases to planted",
            "planted may select app.cases",
        ),
        Plant("grant select on app.places to public", "everyone may select app.places"),
        Plant("grant select on app.cases to pat_application", "pat_application may select app.cases"),
        Plant("grant select on app.cases to {login}", "{login} may select app.cases"),
        Plant("grant select on app.cases to pat_sec", "pat_sec may select app.cases"),
        Plant("grant select (name) on app.memberships to pat_sec", "pat_sec may select app.memberships.name"),
        Plant(
            "grant update on app.memberships to pat_service_issuer",
            "pat_service_issuer may update app.memberships",
        ),
        Plant("grant select on app.cases to pat_service_jobs", "pat_service_jobs may select app.cases"),
        Plant(
            "grant select on app.survivor_identities to pat_service_keys",
            "pat_service_keys may select app.survivor_identities",
        ),
        Plant(
            "grant select (name) on app.group_member_identities to pat_service_keys",
            "pat_service_keys may select app.group_member_identities.name",
        ),
        Plant(
            "grant update (survivor_id) on app.survivor_keys to pat_service_keys",
            "pat_service_keys may update app.survivor_keys.survivor_id",
        ),
        Plant(
            "grant select on app.survivor_identities to pat_door_referral",
            "pat_door_referral may select app.survivor_identities",
        ),
        Plant(
            "grant select (created_by) on app.referrals to pat_door_referral",
            "pat_door_referral may select app.referrals.created_by",
        ),
        Plant(
            "grant insert on app.referral_answers to pat_door_referral",
            "pat_door_referral may insert app.referral_answers",
        ),
    ),
    "privilege that no application needs": (
        Plant("grant delete on app.cases to pat_case_manager", "pat_case_manager may delete app.cases"),
        Plant("grant truncate on app.cases to pat_case_manager", "pat_case_manager may truncate app.cases"),
        Plant("grant trigger on app.cases to pat_case_manager", "pat_case_manager may trigger app.cases"),
        Plant(
            "grant references (id) on app.cases to pat_case_manager",
            "pat_case_manager may references app.cases.id",
        ),
        Plant(
            "grant select on app.cases to pat_case_manager with grant option",
            "pat_case_manager may select app.cases",
        ),
    ),
    "privilege on people, sessions or the trail": (
        Plant("grant select on sec.sessions to pat_case_manager", "pat_case_manager may select sec.sessions"),
        Plant(
            "grant select (person_id) on sec.sessions to pat_auditor",
            "pat_auditor may select sec.sessions.person_id",
        ),
        Plant("grant select on trail.events to pat_auditor", "pat_auditor may select trail.events"),
        Plant("grant insert on trail.events to pat_sec", "pat_sec may insert trail.events"),
        Plant("grant select on sec.people to public", "everyone may select sec.people"),
        Plant(
            "grant update (expires_at) on sec.sessions to pat_service_issuer",
            "pat_service_issuer may update sec.sessions.expires_at",
        ),
        Plant(
            "grant select on sec.logins to pat_service_migrator", "pat_service_migrator may select sec.logins"
        ),
    ),
    "door that gives more than reading, or to others than an application role": (
        Plant(
            "grant insert on door.sent_hearings to pat_case_manager",
            "pat_case_manager may insert door.sent_hearings",
        ),
        Plant(
            "grant select on door.received_referrals to public", "everyone may select door.received_referrals"
        ),
        Plant(
            "grant select on door.sent_answers to pat_application",
            "pat_application may select door.sent_answers",
        ),
        Plant("grant select on door.sent_answers to {login}", "{login} may select door.sent_answers"),
        Plant(
            "grant select on door.all_agreements to pat_case_manager",
            "pat_case_manager may select door.all_agreements",
        ),
        Plant(
            "grant select (status) on door.all_agreements to pat_auditor",
            "pat_auditor may select door.all_agreements.status",
        ),
        Plant(
            "grant select on door.sent_answers to pat_case_manager with grant option",
            "pat_case_manager may select door.sent_answers",
        ),
    ),
    "policy for a role that is on no list": (
        Plant("create policy planted on app.cases using (true)", "app.cases.planted"),
        Plant("create policy planted on app.cases to pat_application using (true)", "app.cases.planted"),
        Plant("create policy planted on app.cases to {login} using (true)", "app.cases.planted"),
        Plant("create policy planted on app.cases to pat_owner using (true)", "app.cases.planted"),
        Plant(
            "create policy planted on app.cases to pat_case_manager, pat_owner using (true)",
            "app.cases.planted",
        ),
        Plant(
            "create policy planted on app.survivors to pat_door_referral using (true)",
            "app.survivors.planted",
        ),
        Plant(
            "create policy planted on app.referrals for update to pat_door_referral using (true)",
            "app.referrals.planted",
        ),
        Plant(
            "alter policy keeper on app.memberships to pat_sec, pat_service_jobs", "app.memberships.keeper"
        ),
        Plant(
            "create policy planted on app.memberships for update to pat_service_issuer using (true)",
            "app.memberships.planted",
        ),
        Plant(
            "create policy planted on app.survivor_keys for insert to pat_service_keys with check (true)",
            "app.survivor_keys.planted",
        ),
        Plant(
            "create policy planted on sec.sessions to pat_case_manager using (true)", "sec.sessions.planted"
        ),
        Plant(
            "create policy planted on trail.events to pat_service_issuer using (true)", "trail.events.planted"
        ),
    ),
    "default privilege": (
        Plant(
            "alter default privileges for role pat_owner in schema app grant select on tables to pat_auditor",
            "pat_auditor",
        ),
    ),
    "function that runs as its owner and is on no list": (
        Plant(
            "create function sec.planted() returns int " + _DEFINER.format("sec.planted()", "pat_sec"),
            "sec.planted()",
        ),
        Plant(
            "create function public.planted() returns int " + _DEFINER.format("public.planted()", "postgres"),
            "planted()",
        ),
        Plant(
            "create function sec.actor(int) returns int " + _DEFINER.format("sec.actor(int)", "pat_sec"),
            "sec.actor(integer)",
        ),
        Plant("alter function app.my_referrals() security definer", "app.my_referrals()"),
    ),
    "function that runs as its owner without a fixed search_path": (
        Plant("alter function sec.actor() reset search_path", "sec.actor()"),
        Plant("alter function sec.survivor() set search_path = app", "sec.survivor()"),
        Plant(
            "alter function trail.record(text, uuid[], jsonb) set search_path = pg_catalog", "trail.record"
        ),
    ),
    "function that everyone may execute": (
        Plant("grant execute on function sec.actor() to public", "sec.actor()"),
        Plant("grant execute on function trail.field(text) to public", "trail.field(text)"),
        Plant(
            as_owner("create function app.planted() returns int language sql as 'select 1'"),
            "app.planted()",
        ),
    ),
    "function that may be executed by a role that is on no list": (
        Plant(
            "grant execute on function trail.field(text) to pat_application",
            "pat_application on trail.field(text)",
        ),
        Plant("grant execute on function trail.field(text) to {login}", "{login} on trail.field(text)"),
        Plant(
            "grant execute on function sec.revoke_session(uuid, text) to pat_application",
            "pat_application on sec.revoke_session(uuid,text)",
        ),
        Plant(
            "grant execute on function sec.enter(text) to pat_service_sign_in",
            "pat_service_sign_in on sec.enter(text)",
        ),
    ),
    "function that claims to leak nothing": (
        Plant("alter function app.my_referrals() leakproof", "app.my_referrals()"),
        Plant(
            "create function public.planted() returns int language sql leakproof as 'select 1'", "planted()"
        ),
    ),
    "extension or foreign server that is on no list": (
        Plant("create extension pgrowlocks", "pgrowlocks"),
        Plant(
            "create foreign data wrapper planted; create server planted foreign data wrapper planted",
            "planted",
        ),
    ),
    "database where everyone may connect or make temporary tables": (
        Plant("grant connect on database wall to public", "wall CONNECT"),
        Plant("grant temporary on database wall to public", "wall TEMPORARY"),
    ),
    "role that may create what is not its to create": (
        Plant(
            "grant temporary on database wall to pat_case_manager", "pat_case_manager may temporary in wall"
        ),
        Plant("grant create on database wall to pat_owner", "pat_owner may create in wall"),
        Plant("grant create on schema app to pat_case_manager", "pat_case_manager may create in app"),
        Plant("grant create on schema door to pat_door_referral", "pat_door_referral may create in door"),
        Plant("grant create on schema public to public", "everyone may create in public"),
    ),
    "role that passes row security by": (
        Plant("alter role pat_case_manager bypassrls", "pat_case_manager"),
        Plant("create role planted bypassrls", "planted"),
        Plant("alter role pat_owner bypassrls", "pat_owner"),
    ),
    "role of ours with a power that it does not need": (
        Plant("alter role {login} createdb", "{login}"),
        Plant("alter role pat_service_issuer createrole", "pat_service_issuer"),
        Plant("alter role pat_service_listener replication", "pat_service_listener"),
        Plant("alter role pat_service_jobs superuser", "pat_service_jobs"),
        Plant("alter role pat_owner login", "pat_owner"),
        Plant("alter role pat_door_referral login", "pat_door_referral"),
        Plant("alter role pat_case_manager login", "pat_case_manager"),
        Plant("alter role pat_application login", "pat_application"),
    ),
    "login that is on no list": (
        Plant("create role planted login; grant connect on database wall to planted", "planted"),
        Plant(
            f"""create role org_{"f" * 32}_case_manager login in role pat_case_manager;
            grant connect on database wall to org_{"f" * 32}_case_manager""",
            f"org_{'f' * 32}_case_manager",
        ),
        Plant(
            "delete from sec.sessions where login = '{login}'; delete from sec.logins where login = '{login}'",
            "{login}",
        ),
    ),
    "membership that is on no list": (
        Plant("grant pat_owner to pat_case_manager", "pat_case_manager in pat_owner"),
        Plant("grant pat_door_referral to {login}", "{login} in pat_door_referral"),
        Plant("grant pat_case_manager to {login}", "{login} in pat_case_manager"),
        Plant("grant pat_case_manager to pat_social_worker", "pat_social_worker in pat_case_manager"),
        Plant("grant pg_read_all_data to pat_auditor", "pat_auditor in pg_read_all_data"),
        Plant("grant pat_social_worker to {login} with admin option", "{login} in pat_social_worker"),
        Plant("grant pat_application to pat_auditor with admin option", "pat_auditor in pat_application"),
        Plant(
            "grant pat_owner to pat_service_migrator with inherit true", "pat_service_migrator in pat_owner"
        ),
        Plant("grant pg_monitor to pat_service_migrator", "pat_service_migrator in pg_monitor"),
        Plant("create role planted; grant pat_sec to planted", "planted in pat_sec"),
        Plant("grant pat_owner to pat_service_jobs with set true", "pat_service_jobs in pat_owner"),
    ),
    "application role outside the group": (
        Plant("revoke pat_application from pat_auditor", "pat_auditor"),
        Plant("grant pat_application to pat_funder with inherit false", "pat_funder"),
    ),
}
