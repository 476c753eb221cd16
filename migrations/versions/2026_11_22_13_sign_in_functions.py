"""What signing in may ask of memberships, clients and sessions: functions, each for one caller; and the trail of it."""

from alembic import op

revision = "2026_11_22_13"
down_revision = "2026_11_22_12"
branch_labels = None
depends_on = None

# What is appended is what it was before; whoever has no organisation may now be appended for.
TRAIL = """
create function trail.append(organisation uuid, person uuid, action text, subjects uuid[], detail jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    head trail.heads;
    login text := session_user;
    moment timestamptz;
    digest bytea;
begin
    -- What verification cannot read back must not get in: one such event would make a true chain look broken.
    -- An array of more dimensions is an error of array_position itself.
    if array_position(subjects, null) is not null then
        raise invalid_parameter_value using message = 'subjects are a plain list of ids';
    end if;
    -- To which other organisation somebody belongs is not for this one's chain to tell.
    if login ~ '^org_' and substr(login, 5, 32)::uuid <> organisation then
        login := 'elsewhere';
    end if;
    insert into trail.heads values (organisation, 0, decode(repeat('00', 32), 'hex')) on conflict do nothing;
    select * into head from trail.heads h where h.organisation_id = organisation for update;
    moment := clock_timestamp();
    digest := sha256(
        head.hash || trail.field(organisation::text) || trail.field((head.number + 1)::text)
        || trail.field(to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
        || trail.field(login) || trail.field(coalesce(person::text, '')) || trail.field(action)
        || trail.field(array_to_string(subjects, ',')) || trail.field(detail::text));
    insert into trail.events
    values (organisation, head.number + 1, moment, login, person, action, subjects, detail::text, head.hash, digest);
    update trail.heads set number = head.number + 1, hash = digest where organisation_id = organisation;
    return head.number + 1;
end
$$;

create or replace function trail.record(action text, subjects uuid[], detail jsonb) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    person uuid := sec.actor();
begin
    if session_user !~ '^org_[0-9a-f]{32}_' then
        raise insufficient_privilege using message = 'only an organisation has a trail';
    end if;
    if person is null then
        raise invalid_authorization_specification using message = 'no such session';
    end if;
    return trail.append(substr(session_user::text, 5, 32)::uuid, person, action, subjects, detail);
end
$$;

revoke all on function trail.append(uuid, uuid, text, uuid[], jsonb) from public;
"""

SESSIONS = """
create function sec.end_sessions(ids uuid[], because text) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    -- Asked before: her own session may be among them.
    person uuid := sec.actor();
    ended record;
    number integer := 0;
begin
    for ended in
        with revoked as (
            update sec.sessions s set revoked_at = now(), revoked_because = because
            where s.id = any(ids) and s.revoked_at is null
            returning s.organisation_id, s.person_id, s.handle
        )
        select r.organisation_id, array_agg(distinct r.person_id) as people, jsonb_agg(r.handle) as handles
        from revoked r group by r.organisation_id order by r.organisation_id
    loop
        perform trail.append(
            ended.organisation_id, person, 'session.revoked', ended.people,
            jsonb_build_object('because', because, 'sessions', ended.handles));
        number := number + jsonb_array_length(ended.handles);
    end loop;
    return number;
end
$$;

create function sec.find_client(client uuid) returns table (
    organisation_id uuid, id uuid, organisation_name text, name text, kind text, serves text,
    redirect_uris text[], logout_uris text[], origins text[], scopes text[], keys jsonb
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.organisation_id, c.id, o.name, c.name, c.kind, c.serves, c.redirect_uris, c.logout_uris, c.origins, c.scopes,
        (select coalesce(jsonb_agg(jsonb_build_object('kid', k.kid, 'jwk', k.jwk) order by k.created_at, k.kid), '[]')
            from app.client_keys k
            where k.organisation_id = c.organisation_id and k.client_id = c.id and k.retired_at is null)
    from app.clients c join app.organisations o on o.id = c.organisation_id
    where c.id = client and c.disabled_at is null
    -- The database makes ids: two of the same are somebody's attempt, and neither is believed.
    and not exists (select from app.clients t where t.id = c.id and t.organisation_id <> c.organisation_id)
$$;

create function sec.client_origins() returns setof text
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select distinct unnest(c.origins) from app.clients c where c.disabled_at is null
$$;

create function sec.memberships_of(person uuid) returns table (
    membership_id uuid, organisation_id uuid, slug text, organisation_name text, role text
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select m.id, o.id, o.slug, o.name, m.role
    from app.memberships m join app.organisations o on o.id = m.organisation_id
    join sec.logins l on l.organisation_id = m.organisation_id and l.role = m.role
    join sec.people p on p.id = m.person_id
    where m.person_id = person and m.ended_at is null and p.disabled_at is null
    order by o.name, m.role
$$;

create function sec.open_session(
    session uuid, person uuid, membership uuid, client uuid, scopes text[], browser uuid,
    auth_time timestamptz, acr text, until timestamptz
) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    place record;
    opened uuid;
begin
    -- A refusal is an answer, not an error: what the caller has written in this transaction must be committed.
    -- Whoever disables the person or the client meanwhile, or ends the browser, waits for the session and then ends it.
    perform from sec.people p where p.id = person and p.disabled_at is null for share;
    if not found then return null; end if;
    if browser is not null then
        perform from sec.browsers b where b.id = browser and b.ended_at is null for share;
        if not found then return null; end if;
    end if;
    perform from app.clients c where c.id = client for share;
    select m.organisation_id, m.role, l.login into place
    from app.memberships m join sec.logins l on l.organisation_id = m.organisation_id and l.role = m.role
    where m.id = membership and m.person_id = person and m.ended_at is null;
    if not found then return null; end if;
    perform from sec.find_client(client) f
    where (f.organisation_id = place.organisation_id or f.serves = 'NETWORK') and scopes <@ (f.scopes || 'openid'::text);
    if not found then return null; end if;
    if coalesce(acr, '') <> '2' and place.role <> 'survivor' then return null; end if;
    insert into sec.sessions as s (
        id, login, organisation_id, membership_id, person_id, client, browser_id, scopes, auth_time, acr, expires_at)
    values (
        session, place.login, place.organisation_id, membership, person, client::text, browser, scopes, auth_time, acr,
        least(until, now()
            + case place.role when 'survivor' then interval '30 minutes' else interval '12 hours' end))
    on conflict (id) do nothing returning s.handle into opened;
    if opened is not null then
        perform trail.append(
            place.organisation_id, person, 'session.opened', array[person],
            jsonb_build_object('session', opened, 'client', client, 'acr', acr));
    end if;
    return opened;
end
$$;

create function sec.revoke_session(session uuid, because text) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select sec.end_sessions(array[session], because) > 0
$$;

create function sec.is_live(session uuid) returns boolean
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select exists (
        select from sec.sessions s
        join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
        join sec.people p on p.id = s.person_id
        join app.clients c on c.id::text = s.client
        where s.id = session and s.revoked_at is null and s.expires_at > now()
        and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role
        and m.ended_at is null and p.disabled_at is null and c.disabled_at is null)
$$;
"""

JOINING = """
create function sec.take_up(token_hash bytea, person uuid) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    invitation app.invitations;
    membership uuid;
    ended uuid[];
    taken record;
begin
    select i.* into invitation from app.invitations i
    where i.token_hash = token_hash and i.taken_up_at is null and i.withdrawn_at is null
    and i.expires_at > now() for no key update;
    -- No invitation has no address, and nobody has that.
    perform from sec.people p where p.id = person and p.email = invitation.email and p.disabled_at is null for share;
    if not found then return null; end if;
    perform from sec.logins l where l.organisation_id = invitation.organisation_id and l.role = invitation.role;
    if not found then return null; end if;
    -- Whoever comes back must not find a session open that died with her old membership, nor the cases that were hers.
    ended := array(
        select m.id from app.memberships m
        where m.organisation_id = invitation.organisation_id and m.person_id = person and m.role = invitation.role
        and m.ended_at is not null);
    perform sec.end_sessions(array(
        select s.id from sec.sessions s
        where s.organisation_id = invitation.organisation_id and s.membership_id = any(ended)), 'membership ended');
    for taken in
        update app.case_assignments a set ended_at = now()
        where a.organisation_id = invitation.organisation_id and a.membership_id = any(ended) and a.ended_at is null
        returning a.case_id, a.survivor_id, a.membership_id
    loop
        perform trail.append(
            invitation.organisation_id, person, 'case.unassigned', array[taken.case_id, taken.survivor_id],
            jsonb_build_object('member', taken.membership_id));
    end loop;
    insert into app.memberships as m (organisation_id, id, person_id, role, name)
    values (invitation.organisation_id, gen_random_uuid(), person, invitation.role, invitation.name)
    on conflict (organisation_id, person_id, role)
    do update set ended_at = null, name = invitation.name
    returning m.id into membership;
    update app.invitations i set taken_up_at = now()
    where i.organisation_id = invitation.organisation_id and i.id = invitation.id;
    perform trail.append(
        invitation.organisation_id, person, 'member.joined', array[person, membership],
        jsonb_build_object('invitation', invitation.id, 'role', invitation.role));
    return membership;
end
$$;

create function sec.enrol(token_hash bytea, person uuid) returns uuid
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    membership uuid;
begin
    -- Nobody who is known already is made again, and no id that is somebody's is used: she signs in, and takes it up.
    insert into sec.people (id, email)
    select person, i.email from app.invitations i where i.token_hash = token_hash
    on conflict do nothing;
    if not found then return null; end if;
    membership := sec.take_up(token_hash, person);
    if membership is null then
        delete from sec.people p where p.id = person;
    end if;
    return membership;
end
$$;
"""

MINE = """
create function sec.my_sessions() returns table (
    handle uuid, client text, client_name text, created_at timestamptz, used_at timestamptz, expires_at timestamptz,
    is_this boolean
)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select s.handle, s.client, (select min(c.name) from app.clients c where c.id::text = s.client),
        s.created_at, s.used_at, s.expires_at, s.id = nullif(current_setting('pat.session', true), '')::uuid
    from sec.sessions s
    join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id
    where s.person_id = (select sec.actor()) and s.organisation_id = (select substr(session_user::text, 5, 32)::uuid)
    and s.revoked_at is null and s.expires_at > now() and m.ended_at is null
$$;

create function sec.end_my_session(handle uuid) returns boolean
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select sec.end_sessions(array(
        select s.id from sec.sessions s
        where s.handle = end_my_session.handle and s.person_id = (select sec.actor())
        and s.organisation_id = (select substr(session_user::text, 5, 32)::uuid)), 'signed out') > 0
$$;

create function sec.end_my_sessions() returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    person uuid := sec.actor();
begin
    -- A session that is being opened is waited for, and ends with the others.
    perform from sec.people p where p.id = person for no key update;
    update sec.browsers b set ended_at = now() where b.person_id = person and b.ended_at is null;
    return sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = person and s.expires_at > now()),
        'signed out everywhere');
end
$$;

create function sec.end_sessions_of(client uuid) returns integer
language sql security definer set search_path = pg_catalog, pg_temp as $$
    select sec.end_sessions(array(
        select s.id from sec.sessions s join app.clients c on c.id::text = s.client
        where c.id = end_sessions_of.client and s.expires_at > now() and (select sec.actor()) is not null
        and c.organisation_id = (select substr(session_user::text, 5, 32)::uuid)), 'client disabled')
$$;

create function sec.forget() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from sec.codes where hash = any(array(
        select c.hash from sec.codes c where c.expires_at < now() - interval '1 hour' limit 1000));
    delete from sec.asks where id = any(array(
        select a.id from sec.asks a
        where least(a.ended_at, a.expires_at) < now() - interval '1 day' limit 1000));
    delete from sec.browsers where id = any(array(
        select b.id from sec.browsers b
        where least(b.ended_at, b.expires_at) < now() - interval '1 day' limit 1000));
    delete from sec.refresh_tokens where hash = any(array(
        select t.hash from sec.refresh_tokens t join sec.sessions s on s.id = t.session_id
        where least(s.revoked_at, s.expires_at) < now() - interval '30 days' limit 1000));
    delete from sec.assertions where ctid = any(array(
        select a.ctid from sec.assertions a where a.expires_at < now() limit 1000));
    delete from sec.attempts where ctid = any(array(
        select t.ctid from sec.attempts t where t.last_at < now() - interval '1 day' limit 1000));
$$;

revoke all on all functions in schema sec from public;
"""


def upgrade() -> None:
    """Make the functions of signing in. The wall says who may call which."""
    op.execute("set local role pat_trail")
    op.get_bind().exec_driver_sql(TRAIL)
    op.execute("grant usage on schema trail to pat_sec")
    op.execute("set local role pat_owner")
    op.execute("grant usage on schema app to pat_sec")
    op.execute("set local role pat_sec")
    for functions in (SESSIONS, JOINING, MINE):
        op.get_bind().exec_driver_sql(functions)
    op.execute("reset role")
