"""Passkeys, and the challenges that they sign."""

from alembic import op

revision = "2026_11_22_22"
down_revision = "2026_11_22_21"
branch_labels = None
depends_on = None

TABLES = """
create table sec.passkeys (
    id bytea not null,
    person_id uuid not null,
    handle bytea not null,
    public_key bytea not null,
    sign_count bigint not null,
    transports text[] default '{}' not null,
    created_at timestamp with time zone default now() not null,
    used_at timestamp with time zone,
    ended_at timestamp with time zone,
    constraint pk_passkeys primary key (id),
    constraint fk_passkeys_person_id foreign key(person_id) references sec.people (id)
);

create index ix_passkeys_person_id on sec.passkeys (person_id);

create table sec.challenges (
    browser_id uuid not null,
    purpose text not null,
    challenge bytea not null,
    person_id uuid,
    handle bytea,
    expires_at timestamp with time zone not null,
    used_at timestamp with time zone,
    constraint pk_challenges primary key (browser_id, purpose),
    constraint ck_challenges_purpose check (purpose in ('SIGN_IN', 'SECOND', 'REGISTER')),
    constraint fk_challenges_browser_id foreign key(browser_id) references sec.browsers (id) on delete cascade
);
"""


def upgrade() -> None:
    """Make the tables. The wall says who reads them."""
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(TABLES)
    op.execute("reset role")
