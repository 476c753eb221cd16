"""Agreements: what each of two organisations has signed with the other."""

from alembic import op

revision = "2026_11_22_36"
down_revision = "2026_11_22_40"
branch_labels = None
depends_on = None

AGREEMENTS = """
create table app.agreements (
    organisation_id uuid not null,
    partner_id uuid not null,
    scopes text[] not null,
    valid_from timestamp with time zone not null,
    valid_until timestamp with time zone not null,
    suspended_at timestamp with time zone,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    updated_by uuid not null,
    updated_at timestamp with time zone default now() not null,
    constraint pk_agreements primary key (organisation_id, partner_id),
    constraint ck_agreements_scopes check (scopes <@ array['LEGAL_STATUS', 'HEARING_SCHEDULE',
        'IDENTITY_MINIMAL', 'IDENTITY_FULL', 'CONTACT_SAFE', 'HEALTH_MHPSS', 'SHELTER_REPATRIATION',
        'COMPENSATION', 'DOCUMENTS', 'RISK_SAFETY']::text[]),
    constraint ck_agreements_something check (cardinality(scopes) > 0),
    constraint ck_agreements_valid check (valid_until > valid_from),
    constraint ck_agreements_partner check (partner_id <> organisation_id),
    constraint fk_agreements_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_agreements_partner_id foreign key(partner_id) references app.organisations (id)
);

create index ix_agreements_partner_id_organisation_id on app.agreements (partner_id, organisation_id);
"""


def upgrade() -> None:
    """Make the table. From now on the referral door asks it: what was sent before is open again when both sides have signed."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(AGREEMENTS)
    op.execute("reset role")
