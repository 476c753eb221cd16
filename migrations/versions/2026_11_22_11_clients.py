"""Clients of organisations, their keys, and invitations."""

from alembic import op

revision = "2026_11_22_11"
down_revision = "2026_11_21_03"
branch_labels = None
depends_on = None

TABLES = """
create table app.clients (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    name text not null,
    kind text not null,
    serves text default 'ORGANISATION' not null,
    redirect_uris text[] default '{}' not null,
    logout_uris text[] default '{}' not null,
    origins text[] default '{}' not null,
    scopes text[] not null,
    version integer default 1 not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    updated_by uuid not null,
    updated_at timestamp with time zone default now() not null,
    disabled_at timestamp with time zone,
    constraint pk_clients primary key (organisation_id, id),
    constraint ck_clients_kind check (kind in ('PUBLIC', 'CONFIDENTIAL', 'MACHINE')),
    constraint ck_clients_serves check (serves in ('ORGANISATION', 'NETWORK')),
    constraint ck_clients_scopes check (scopes <@ array['administration', 'cases', 'groups',
        'health', 'identity', 'referrals']::text[]),
    constraint fk_clients_organisation_id foreign key(organisation_id) references app.organisations (id)
);

create table app.client_keys (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    client_id uuid not null,
    kid text not null,
    jwk jsonb not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    retired_at timestamp with time zone,
    constraint pk_client_keys primary key (organisation_id, id),
    constraint fk_client_keys_client foreign key(organisation_id, client_id) references app.clients
        (organisation_id, id),
    constraint uq_client_keys_organisation_id_client_id_kid unique (organisation_id, client_id, kid)
);

create table app.invitations (
    organisation_id uuid not null,
    id uuid default gen_random_uuid() not null,
    email text not null,
    name text not null,
    role text not null,
    token_hash bytea not null,
    expires_at timestamp with time zone not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    taken_up_at timestamp with time zone,
    withdrawn_at timestamp with time zone,
    constraint pk_invitations primary key (organisation_id, id),
    constraint uq_invitations_organisation_id_token_hash unique (organisation_id, token_hash),
    constraint ck_invitations_role check (role in ('organisation_admin', 'case_manager',
        'social_worker', 'counsellor', 'legal_aid', 'shg_facilitator', 'mis_focal',
        'secretariat_admin', 'secretariat_analyst', 'auditor', 'destination_admin',
        'destination_worker', 'funder', 'platform_operator')),
    constraint ck_invitations_email check (email = lower(email)),
    constraint fk_invitations_organisation_id foreign key(organisation_id) references
        app.organisations (id)
);

create index ix_invitations_token_hash on app.invitations (token_hash);
"""


def upgrade() -> None:
    """Make the tables of clients and invitations."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TABLES)
    op.execute("reset role")
