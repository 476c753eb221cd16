"""New passwords by mail, counters for those and for browsers that are known, and what clients were when they were allowed something."""

from alembic import op

revision = "2026_11_22_32"
down_revision = "2026_11_22_35"
branch_labels = None
depends_on = None

# The release before goes on: it counts no more kinds than it did, and what it allows is asked about anew by this one.
TABLES = """
create table sec.resets (
    key bytea not null,
    token_hash bytea not null,
    person_id uuid,
    replaces bytea,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint pk_resets primary key (key),
    constraint uq_resets_token_hash unique (token_hash),
    constraint fk_resets_person_id foreign key(person_id) references sec.people (id)
);

create index ix_resets_person_id on sec.resets (person_id);

alter table sec.consents add column client_hash bytea;

alter table sec.attempts
    drop constraint ck_attempts_kind,
    add constraint ck_attempts_kind
        check (kind in ('ACCOUNT', 'ADDRESS', 'EVERYBODY', 'SECOND', 'RESET', 'BROWSER'));
"""

FUNCTIONS = """
create function sec.find_reset(token_hash bytea) returns table (person_id uuid, email text)
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.id, p.email
    from sec.resets r
    join sec.people p on p.id = r.person_id
    join sec.secrets s on s.person_id = p.id and s.kind = 'PASSWORD'
    where r.token_hash = find_reset.token_hash and r.used_at is null
    and r.expires_at > now()
    and p.disabled_at is null
    -- Once she has another password, a link to replace the one before is over.
    and sha256(convert_to(s.hash, 'UTF8')) = r.replaces
$$;

create function sec.reset_password(token_hash bytea, hash text, key smallint) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_variable
declare
    found_email text;
    found_person uuid;
    organisation uuid;
begin
    select r.person_id into found_person from sec.resets r where r.token_hash = token_hash;
    -- A session that is being opened is waited for, and ends with the others; of two who come at once, one finds the link used.
    perform from sec.people p where p.id = found_person for no key update;
    select f.email into found_email from sec.find_reset(token_hash) f;
    if not found then return null; end if;
    update sec.resets r set used_at = now() where r.token_hash = token_hash;
    update sec.secrets s set hash = hash, key = key, changed_at = now()
    where s.person_id = found_person and s.kind = 'PASSWORD';
    -- A browser may be somebody else's by now; what was asked for in it in her name ends all the same.
    update sec.codes c set used_at = now() where c.person_id = found_person and c.used_at is null;
    update sec.browsers b set ended_at = now() where b.person_id = found_person and b.ended_at is null;
    for organisation in
        select distinct m.organisation_id from app.memberships m
        where m.person_id = found_person and m.ended_at is null order by m.organisation_id
    loop
        perform trail.append(organisation, found_person, 'password.reset', array[found_person], '{}');
    end loop;
    perform sec.end_sessions(
        array(select s.id from sec.sessions s where s.person_id = found_person and s.expires_at > now()),
        'password reset');
    return found_email;
end
$$;

create function sec.forget_resets() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from sec.resets where key = any(array(
        select r.key from sec.resets r where r.expires_at < now() - interval '1 day' limit 1000))
$$;

revoke all on function sec.find_reset(bytea), sec.reset_password(bytea, text, smallint), sec.forget_resets() from public;
"""


def upgrade() -> None:
    """Make the table and the column, and the functions. The wall says who may do what with them."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    op.execute("reset role")
