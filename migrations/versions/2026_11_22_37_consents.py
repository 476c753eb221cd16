"""Consents and withdrawals; guardians who are not asked; referrals name the consent that they stand on."""

from alembic import op

revision = "2026_11_22_37"
down_revision = "2026_11_22_36"
branch_labels = None
depends_on = None

CONSENTS = """
create table app.consents (
    organisation_id uuid not null,
    id uuid not null,
    survivor_id uuid not null,
    recipient_id uuid not null,
    purpose text not null,
    scopes text[] not null,
    giver text not null,
    mode text not null,
    notice_version text not null,
    notice_language text not null,
    agreed text[] not null,
    evidence text,
    given_at timestamp with time zone default now() not null,
    valid_until timestamp with time zone not null,
    created_by uuid not null,
    constraint pk_consents primary key (organisation_id, id),
    constraint uq_consents_hers unique (organisation_id, id, survivor_id),
    constraint uq_consents_referred unique (organisation_id, id, survivor_id, recipient_id, purpose),
    constraint fk_consents_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_consents_survivor foreign key(organisation_id, survivor_id)
        references app.survivors (organisation_id, id),
    constraint fk_consents_recipient_id foreign key(recipient_id) references app.organisations (id),
    constraint ck_consents_giver check (giver in ('SELF', 'GUARDIAN', 'CHILD_WELFARE_COMMITTEE')),
    constraint ck_consents_purpose check (purpose in ('LEGAL_REPRESENTATION', 'COURT_FOLLOW_UP',
        'SHELTER', 'REPATRIATION', 'TRACING')),
    constraint ck_consents_mode check (mode in ('SIGNATURE', 'THUMBPRINT', 'VERBAL_WITNESSED', 'AUDIO', 'APP')),
    constraint ck_consents_scopes check (scopes <@ array['LEGAL_STATUS', 'HEARING_SCHEDULE',
        'IDENTITY_MINIMAL', 'IDENTITY_FULL', 'CONTACT_SAFE', 'HEALTH_MHPSS', 'SHELTER_REPATRIATION',
        'COMPENSATION', 'DOCUMENTS', 'RISK_SAFETY']::text[]),
    constraint ck_consents_agreed check (agreed <@ array['PURPOSE', 'USE', 'RESEARCH_USE',
        'ACCESS_REQUEST', 'STORAGE_PERIOD', 'WITHDRAWAL', 'GIVEN_FREELY']::text[]),
    constraint ck_consents_something check (cardinality(scopes) > 0),
    constraint ck_consents_valid check (valid_until > given_at),
    constraint ck_consents_recipient check (recipient_id <> organisation_id),
    constraint ck_consents_signed_in check (giver = 'SELF' or mode <> 'APP'),
    constraint ck_consents_evidence check ((mode = 'APP') = (evidence is null))
);

create index ix_consents_organisation_id_survivor_id on app.consents (organisation_id, survivor_id);
create index ix_consents_recipient_id_organisation_id on app.consents (recipient_id, organisation_id);

create table app.consent_withdrawals (
    organisation_id uuid not null,
    consent_id uuid not null,
    survivor_id uuid not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_consent_withdrawals primary key (organisation_id, consent_id),
    constraint fk_consent_withdrawals_organisation_id foreign key(organisation_id)
        references app.organisations (id),
    constraint fk_consent_withdrawals_consent foreign key(organisation_id, consent_id, survivor_id)
        references app.consents (organisation_id, id, survivor_id)
);

create table app.barred_guardians (
    organisation_id uuid not null,
    survivor_id uuid not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_barred_guardians primary key (organisation_id, survivor_id),
    constraint fk_barred_guardians_organisation_id foreign key(organisation_id)
        references app.organisations (id),
    constraint fk_barred_guardians_survivor foreign key(organisation_id, survivor_id)
        references app.survivors (organisation_id, id)
);
"""

# What referrals were sent on so far names no giver, no notice and no evidence: it is no consent. They keep their scopes and their end as
# terms of their own, and are open again once a consent is recorded for them.
REFERRALS = """
alter table app.referrals no force row level security;
alter table app.consents no force row level security;
alter table app.referrals add column consent_id uuid,
    add constraint fk_referrals_consent foreign key(organisation_id, consent_id, survivor_id, to_organisation_id, need)
        references app.consents (organisation_id, id, survivor_id, recipient_id, purpose);
alter table app.referrals force row level security;
alter table app.consents force row level security;

create index ix_referrals_organisation_id_consent_id on app.referrals (organisation_id, consent_id);
"""

ALERTS = """
alter table app.alerts no force row level security;
alter table app.alerts add column kind text default 'DURESS' not null,
    add constraint ck_alerts_kind check (kind in ('DURESS', 'WITHDRAWAL'));
alter table app.alerts force row level security;
"""


def upgrade() -> None:
    """Make the tables and columns. The wall says who may do what."""
    op.execute("set local role pat_owner")
    for statements in (CONSENTS, REFERRALS, ALERTS):
        op.get_bind().exec_driver_sql(statements)
    op.execute("reset role")
