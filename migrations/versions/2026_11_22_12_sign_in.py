"""What people prove themselves with, and what the issuer keeps while they sign in."""

from alembic import op

revision = "2026_11_22_12"
down_revision = "2026_11_22_11"
branch_labels = None
depends_on = None

# The release before goes on: what it inserts has no other columns than before.
CHANGES = """
update sec.people set email = lower(email) where email <> lower(email);

alter table sec.people
    alter column email drop not null,
    add column disabled_at timestamp with time zone,
    add column language text default 'en' not null,
    add constraint ck_people_email check (email = lower(email));

alter table sec.sessions
    add column handle uuid default gen_random_uuid() not null,
    add column browser_id uuid,
    add column scopes text[] default '{}' not null,
    add column auth_time timestamp with time zone,
    add column acr text,
    add column used_at timestamp with time zone,
    add column revoked_because text,
    add column is_duress boolean default false not null,
    add constraint uq_sessions_handle unique (handle),
    add constraint ck_sessions_acr check (acr in ('1', '2'));

create index ix_sessions_person_id on sec.sessions (person_id);
create index ix_sessions_browser_id on sec.sessions (browser_id);
create index ix_sessions_client on sec.sessions (client);
"""

TABLES = """
create table sec.browsers (
    id uuid not null,
    secret_hash bytea not null,
    person_id uuid,
    first_at timestamp with time zone,
    second_at timestamp with time zone,
    methods text[] default '{}' not null,
    created_at timestamp with time zone default now() not null,
    seen_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    ended_at timestamp with time zone,
    constraint pk_browsers primary key (id),
    constraint uq_browsers_secret_hash unique (secret_hash),
    constraint fk_browsers_person_id foreign key(person_id) references sec.people (id)
);

create index ix_browsers_person_id on sec.browsers (person_id);

create table sec.asks (
    id uuid not null,
    browser_id uuid not null,
    client uuid not null,
    query text not null,
    membership_id uuid,
    created_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    ended_at timestamp with time zone,
    constraint pk_asks primary key (id),
    constraint ck_asks_query check (length(query) <= 4096),
    constraint fk_asks_browser_id foreign key(browser_id) references sec.browsers (id) on delete cascade
);

create index ix_asks_browser_id on sec.asks (browser_id);

create table sec.assertions (
    client uuid not null,
    jti_hash bytea not null,
    expires_at timestamp with time zone not null,
    constraint pk_assertions primary key (client, jti_hash)
);

create table sec.attempts (
    kind text not null,
    key bytea not null,
    failures double precision default 0 not null,
    last_at timestamp with time zone not null,
    next_at timestamp with time zone not null,
    constraint pk_attempts primary key (kind, key),
    constraint ck_attempts_kind check (kind in ('ACCOUNT', 'ADDRESS', 'EVERYBODY', 'SECOND'))
);

create table sec.codes (
    hash bytea not null,
    client uuid not null,
    redirect_uri text not null,
    scopes text[] not null,
    resource text,
    nonce text,
    challenge text not null,
    browser_id uuid not null,
    person_id uuid not null,
    organisation_id uuid not null,
    membership_id uuid not null,
    auth_time timestamp with time zone not null,
    acr text not null,
    amr text[] not null,
    created_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    session_id uuid,
    constraint pk_codes primary key (hash),
    constraint ck_codes_acr check (acr in ('1', '2')),
    constraint fk_codes_person_id foreign key(person_id) references sec.people (id)
);

create table sec.consents (
    person_id uuid not null,
    client uuid not null,
    membership_id uuid not null,
    scopes text[] not null,
    given_at timestamp with time zone default now() not null,
    withdrawn_at timestamp with time zone,
    constraint pk_consents primary key (person_id, client, membership_id),
    constraint fk_consents_person_id foreign key(person_id) references sec.people (id)
);

create table sec.recovery_codes (
    person_id uuid not null,
    hash bytea not null,
    used_at timestamp with time zone,
    constraint pk_recovery_codes primary key (person_id, hash),
    constraint fk_recovery_codes_person_id foreign key(person_id) references sec.people (id)
);

create table sec.refresh_tokens (
    hash bytea not null,
    session_id uuid not null,
    number integer not null,
    scopes text[] not null,
    resource text,
    issued_at timestamp with time zone default now() not null,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint pk_refresh_tokens primary key (hash),
    constraint uq_refresh_tokens_session_id_number unique (session_id, number),
    constraint fk_refresh_tokens_session_id foreign key(session_id) references sec.sessions (id)
);

create table sec.second_factors (
    person_id uuid not null,
    id uuid not null,
    sealed bytea not null,
    key smallint default 1 not null,
    confirmed_at timestamp with time zone,
    last_step bigint default 0 not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_second_factors primary key (person_id, id),
    constraint fk_second_factors_person_id foreign key(person_id) references sec.people (id)
);

create table sec.secrets (
    person_id uuid not null,
    kind text not null,
    hash text not null,
    key smallint default 1 not null,
    changed_at timestamp with time zone default now() not null,
    constraint pk_secrets primary key (person_id, kind),
    constraint ck_secrets_kind check (kind in ('PASSWORD', 'PIN', 'DURESS')),
    constraint fk_secrets_person_id foreign key(person_id) references sec.people (id)
);
"""


def upgrade() -> None:
    """Give people and sessions what signing in needs, and make the tables of the issuer."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(CHANGES)
    op.get_bind().exec_driver_sql(TABLES)
    op.execute("reset role")
