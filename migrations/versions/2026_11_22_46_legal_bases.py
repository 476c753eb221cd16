"""Legal bases other than consent, why a vital interest is one, and referrals that stand on one."""

from alembic import op

revision = "2026_11_22_46"
down_revision = "2026_11_22_49"
branch_labels = None
depends_on = None

BASES = """
create table app.legal_bases (
    organisation_id uuid not null,
    id uuid not null,
    survivor_id uuid not null,
    recipient_id uuid not null,
    purpose text not null,
    kind text not null,
    scopes text[] not null,
    reference text,
    valid_until timestamp with time zone not null,
    created_by uuid not null,
    created_at timestamp with time zone default clock_timestamp() not null,
    approved_by uuid,
    approved_at timestamp with time zone,
    ended_by uuid,
    ended_at timestamp with time zone,
    reviewed_by uuid,
    reviewed_at timestamp with time zone,
    review text,
    constraint pk_legal_bases primary key (organisation_id, id),
    constraint uq_legal_bases_hers unique (organisation_id, id, survivor_id),
    constraint uq_legal_bases_referred unique (organisation_id, id, survivor_id, recipient_id, purpose),
    constraint fk_legal_bases_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_legal_bases_survivor foreign key(organisation_id, survivor_id)
        references app.survivors (organisation_id, id),
    constraint fk_legal_bases_recipient_id foreign key(recipient_id) references app.organisations (id),
    constraint ck_legal_bases_kind check (kind in ('COURT_ORDER', 'STATUTORY_DUTY', 'VITAL_INTEREST')),
    constraint ck_legal_bases_purpose check (purpose in ('LEGAL_REPRESENTATION', 'COURT_FOLLOW_UP',
        'SHELTER', 'REPATRIATION', 'TRACING')),
    constraint ck_legal_bases_review check (review in ('JUSTIFIED', 'UNJUSTIFIED')),
    constraint ck_legal_bases_scopes check (scopes <@ array['LEGAL_STATUS', 'HEARING_SCHEDULE',
        'IDENTITY_MINIMAL', 'IDENTITY_FULL', 'CONTACT_SAFE', 'HEALTH_MHPSS', 'SHELTER_REPATRIATION',
        'COMPENSATION', 'DOCUMENTS', 'RISK_SAFETY']::text[]),
    constraint ck_legal_bases_something check (cardinality(scopes) > 0),
    constraint ck_legal_bases_recipient check (recipient_id <> organisation_id),
    constraint ck_legal_bases_vital check (kind <> 'VITAL_INTEREST'
        or scopes <@ array['CONTACT_SAFE', 'SHELTER_REPATRIATION', 'RISK_SAFETY']::text[]),
    constraint ck_legal_bases_valid check (valid_until > created_at and valid_until <= created_at
        + case kind when 'VITAL_INTEREST' then interval '72 hours' else interval '4320 hours' end),
    constraint ck_legal_bases_reference check ((kind = 'VITAL_INTEREST') = (reference is null)
        and reference ~ '^([A-Z]{1,5}[-/. ]{0,2})?(S[-/. ]{1,2})?[0-9]{1,6}([-/. ]{1,2}[0-9]{1,6}){0,6}$'),
    constraint ck_legal_bases_approved check ((approved_by is null) = (approved_at is null)
        and (approved_by is null or (kind = 'VITAL_INTEREST' and approved_by <> created_by))),
    constraint ck_legal_bases_ended check ((ended_by is null) = (ended_at is null)),
    constraint ck_legal_bases_reviewed check ((reviewed_by is null) = (reviewed_at is null)
        and (reviewed_by is null) = (review is null)
        and (reviewed_by is null or (approved_by is not null and reviewed_by not in (created_by, approved_by))))
);

create index ix_legal_bases_organisation_id_survivor_id on app.legal_bases (organisation_id, survivor_id);
create index ix_legal_bases_recipient_id_organisation_id on app.legal_bases (recipient_id, organisation_id);

create table app.legal_basis_reasons (
    organisation_id uuid not null,
    basis_id uuid not null,
    survivor_id uuid not null,
    reason bytea not null,
    created_by uuid not null,
    constraint pk_legal_basis_reasons primary key (organisation_id, basis_id),
    constraint fk_legal_basis_reasons_organisation_id foreign key(organisation_id)
        references app.organisations (id),
    constraint fk_legal_basis_reasons_basis foreign key(organisation_id, basis_id, survivor_id)
        references app.legal_bases (organisation_id, id, survivor_id),
    constraint fk_legal_basis_reasons_key foreign key(organisation_id, survivor_id)
        references app.survivor_keys (organisation_id, survivor_id)
);
"""

REFERRALS = """
alter table app.referrals no force row level security;
alter table app.legal_bases no force row level security;
alter table app.referrals add column basis_id uuid,
    add constraint fk_referrals_basis foreign key(organisation_id, basis_id, survivor_id, to_organisation_id, need)
        references app.legal_bases (organisation_id, id, survivor_id, recipient_id, purpose),
    add constraint ck_referrals_ground check (num_nonnulls(consent_id, basis_id) <= 1);
alter table app.referrals force row level security;
alter table app.legal_bases force row level security;

create index ix_referrals_organisation_id_basis_id on app.referrals (organisation_id, basis_id);
"""


def upgrade() -> None:
    """Make the tables and the column. The wall says who may do what."""
    op.execute("set local role pat_owner")
    for statements in (BASES, REFERRALS):
        op.get_bind().exec_driver_sql(statements)
    op.execute("reset role")
