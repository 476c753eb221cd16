"""Mail that is to be sent, and how administrators end memberships."""

from alembic import op

revision = "2026_11_22_23"
down_revision = "2026_11_22_22"
branch_labels = None
depends_on = None

MAILS = """
create table sec.mails (
    id uuid not null,
    sealed bytea,
    created_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    next_at timestamp with time zone default now() not null,
    tries integer default 0 not null,
    sent_at timestamp with time zone,
    constraint pk_mails primary key (id)
);

create index ix_mails_next_at on sec.mails (next_at) where sealed is not null;

create function sec.post_mail(mail uuid, sealed bytea, expires_at timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if sec.actor() is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    insert into sec.mails (id, sealed, expires_at) values (mail, sealed, expires_at);
end
$$;

create function sec.forget_mails() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from sec.mails where id = any(array(
        select m.id from sec.mails m where m.expires_at < now() - interval '30 days' limit 1000))
$$;

revoke all on function sec.post_mail(uuid, bytea, timestamptz), sec.forget_mails() from public;
"""

MEMBERS = """
create function sec.roles_here() returns text[]
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select array(
        select l.role from sec.logins l
        where l.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and (select sec.actor()) is not null
        order by l.role)
$$;

create function sec.is_member(email text, role text) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from app.memberships m join sec.people p on p.id = m.person_id
        where m.organisation_id = (select substr(session_user::text, 5, 32)::uuid) and (select sec.actor()) is not null
        and p.email = is_member.email and m.role = is_member.role and m.ended_at is null)
$$;

create function sec.end_membership(membership uuid) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    here uuid := substr(session_user::text, 5, 32)::uuid;
    -- Asked before: it may be her own.
    actor uuid;
    person uuid;
    held record;
    taken record;
    sessions integer;
    cases uuid[] := '{}';
begin
    select m.person_id into person from app.memberships m
    where m.organisation_id = here and m.id = membership and m.role not in ('survivor', 'service');
    if not found then return jsonb_build_object('refused', 'NOT_FOUND'); end if;
    -- A session that is being opened is waited for, and ends with the others.
    perform from sec.people p where p.id = person for no key update;
    -- Two administrators who end each other do so one after the other.
    perform from app.memberships m
    where m.organisation_id = here and m.role ~ '_admin$' and m.ended_at is null order by m.id for no key update;
    actor := sec.actor();
    if actor is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    select m.role into held from app.memberships m
    where m.organisation_id = here and m.id = membership and m.ended_at is null;
    if not found then return jsonb_build_object('refused', 'NOT_FOUND'); end if;
    if held.role ~ '_admin$' and not exists (
        select from app.memberships m join sec.people p on p.id = m.person_id
        where m.organisation_id = here and m.role = held.role and m.id <> membership
        and m.ended_at is null and p.disabled_at is null)
    then
        return jsonb_build_object('refused', 'LAST_ADMINISTRATOR');
    end if;
    for taken in
        update app.case_assignments a set ended_at = now()
        where a.organisation_id = here and a.membership_id = membership and a.ended_at is null
        returning a.case_id, a.survivor_id
    loop
        cases := cases || taken.case_id;
        perform trail.append(
            here, actor, 'case.unassigned', array[taken.case_id, taken.survivor_id],
            jsonb_build_object('member', membership));
    end loop;
    update sec.consents c set withdrawn_at = now()
    where c.person_id = person and c.membership_id = membership and c.withdrawn_at is null;
    -- Those that were sent to her, and those that she has sent.
    update app.invitations i set withdrawn_at = now()
    where i.organisation_id = here and i.taken_up_at is null and i.withdrawn_at is null
    and (i.created_by = person or i.email = (select p.email from sec.people p where p.id = person));
    sessions := sec.end_sessions(
        array(
            select s.id from sec.sessions s
            where s.organisation_id = here and s.membership_id = membership and s.expires_at > now()),
        'membership ended');
    update app.memberships m set ended_at = now() where m.organisation_id = here and m.id = membership;
    perform trail.append(
        here, actor, 'member.ended', array[person, membership],
        jsonb_build_object('role', held.role, 'sessions', sessions, 'cases', cardinality(cases)));
    return jsonb_build_object('sessions', sessions, 'cases', cardinality(cases));
end
$$;

revoke all on function sec.roles_here(), sec.is_member(text, text), sec.end_membership(uuid) from public;
"""


def upgrade() -> None:
    """Make the table and the functions. The wall says who may do what with them."""
    op.execute("set local role pat_sec")
    for statements in (MAILS, MEMBERS):
        op.get_bind().exec_driver_sql(statements)
    op.execute("reset role")
