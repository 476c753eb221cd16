"""Tables of the domain: the directory, memberships, survivors, cases, groups, referrals."""

from alembic import op

revision = "2026_11_21_01"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
create table app.organisations (
    id uuid not null,
    slug text not null,
    kind text not null,
    htcds_type text not null,
    name text not null,
    state text not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_organisations primary key (id),
    constraint uq_organisations_slug unique (slug),
    constraint ck_organisations_kind check (kind in ('CBO', 'SECRETARIAT', 'DESTINATION', 'SUPPORT',
        'FUNDER')),
    constraint ck_organisations_htcds_type check (htcds_type in ('NGO', 'LawEnforcement',
        'HealthServiceOrganisation', 'CentralGovernmentOrganisation', 'LocalGovernmentOrganisation',
        'ImmigrationService', 'LegalService', 'CorporateBusiness', 'SchoolOrCollege'))
);

create table app.places (
    id uuid not null,
    level text not null,
    parent_id uuid,
    name text not null,
    aliases text[] default '{}' not null,
    constraint pk_places primary key (id),
    constraint uq_places_level_parent_id_name unique nulls not distinct (level, parent_id, name),
    constraint ck_places_level check (level in ('STATE', 'DISTRICT', 'BLOCK', 'MUNICIPALITY',
        'GRAM_PANCHAYAT', 'VILLAGE')),
    constraint fk_places_parent_id foreign key(parent_id) references app.places (id)
);

create table app.memberships (
    organisation_id uuid not null,
    id uuid not null,
    person_id uuid not null,
    role text not null,
    name text not null,
    survivor_id uuid,
    started_at timestamp with time zone default now() not null,
    ended_at timestamp with time zone,
    constraint pk_memberships primary key (organisation_id, id),
    constraint uq_memberships_organisation_id_person_id_role unique (organisation_id, person_id, role),
    constraint ck_memberships_role check (role in ('organisation_admin', 'case_manager',
        'social_worker', 'counsellor', 'legal_aid', 'shg_facilitator', 'mis_focal', 'survivor',
        'secretariat_admin', 'secretariat_analyst', 'auditor', 'destination_admin',
        'destination_worker', 'funder', 'platform_operator', 'service')),
    constraint fk_memberships_organisation_id foreign key(organisation_id) references
        app.organisations (id)
);

create table app.replays (
    organisation_id uuid not null,
    person_id uuid not null,
    client text not null,
    key uuid not null,
    operation text not null,
    input_hash bytea not null,
    answer jsonb not null,
    answered_at timestamp with time zone default now() not null,
    constraint pk_replays primary key (organisation_id, person_id, client, key),
    constraint fk_replays_organisation_id foreign key(organisation_id) references app.organisations (id)
);

create table app.self_help_groups (
    organisation_id uuid not null,
    id uuid not null,
    name text not null,
    status text not null,
    policy text not null,
    place_id uuid,
    formed_on date not null,
    created_by uuid not null,
    constraint pk_self_help_groups primary key (organisation_id, id),
    constraint uq_self_help_groups_organisation_id_name unique (organisation_id, name),
    constraint ck_self_help_groups_status check (status in ('FORMING', 'FORMED', 'BANK_ACCOUNT',
        'GRADED', 'LINKED', 'BUSINESS', 'DORMANT', 'DISSOLVED')),
    constraint ck_self_help_groups_policy check (policy in ('NORMAL', 'SPECIAL')),
    constraint fk_self_help_groups_organisation_id foreign key(organisation_id) references
        app.organisations (id),
    constraint fk_self_help_groups_place_id foreign key(place_id) references app.places (id)
);

create table app.survivors (
    organisation_id uuid not null,
    id uuid not null,
    code text not null,
    gender text not null,
    marital_status text,
    birth_year integer,
    is_minor_at_intake boolean not null,
    primary_language text,
    place_id uuid,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_survivors primary key (organisation_id, id),
    constraint uq_survivors_organisation_id_code unique (organisation_id, code),
    constraint ck_survivors_gender check (gender in ('Feminine', 'Masculine', 'TransgenderFeminine',
        'TransgenderMasculine', 'NonConforming', 'NonSpecifiedUnknown')),
    constraint ck_survivors_marital_status check (marital_status in ('Single', 'Married', 'Widowed',
        'Divorced', 'Separated', 'RegisteredPartnership')),
    constraint ck_survivors_birth_year check (birth_year between 1900 and 2200),
    constraint fk_survivors_organisation_id foreign key(organisation_id) references
        app.organisations (id),
    constraint fk_survivors_place_id foreign key(place_id) references app.places (id)
);

create table app.cases (
    organisation_id uuid not null,
    id uuid not null,
    survivor_id uuid not null,
    code text not null,
    status text not null,
    stage text not null,
    risk_level text not null,
    trafficking_status text not null,
    exploitation text[] default '{}' not null,
    place_id uuid,
    opened_on date not null,
    closed_on date,
    version integer default 1 not null,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    updated_by uuid not null,
    updated_at timestamp with time zone default now() not null,
    constraint pk_cases primary key (organisation_id, id),
    constraint uq_cases_organisation_id_code unique (organisation_id, code),
    constraint uq_cases_organisation_id_id_survivor_id unique (organisation_id, id, survivor_id),
    constraint fk_cases_organisation_id_survivor_id foreign key(organisation_id, survivor_id)
        references app.survivors (organisation_id, id),
    constraint ck_cases_status check (status in ('DRAFT', 'SUBMITTED', 'SCREENED', 'NOT_ELIGIBLE',
        'ACTIVE', 'FOLLOW_UP', 'CLOSURE_REQUESTED', 'TRANSFER_PENDING', 'CLOSED',
        'CLOSED_REFERRED')),
    constraint ck_cases_stage check (stage in ('MISSING', 'TRACED', 'RESCUED', 'IN_SHELTER',
        'RESTORATION_ORDERED', 'REPATRIATED', 'REUNITED', 'COMMUNITY_REHAB', 'INDEPENDENT')),
    constraint ck_cases_risk_level check (risk_level in ('LOW', 'MEDIUM', 'HIGH')),
    constraint ck_cases_trafficking_status check (trafficking_status in
        ('PossibleVictimOfTrafficking', 'ActualVictimOfTrafficking', 'NotAVictimOfTrafficking')),
    constraint ck_cases_exploitation check (exploitation <@ array['ForcedLabour',
        'SexualExploitation', 'ChildLabour', 'ForcedMarriage', 'Servitude',
        'ForcedMilitaryByNonStateActors', 'OrganRemoval', 'ForcedBegging', 'ForcedAdoption',
        'Surrogacy', 'Other']::text[]),
    constraint ck_cases_closed_on check (closed_on is null or closed_on >= opened_on),
    constraint fk_cases_organisation_id foreign key(organisation_id) references app.organisations (id),
    constraint fk_cases_place_id foreign key(place_id) references app.places (id)
);

create index ix_cases_organisation_id_opened_on_id on app.cases (organisation_id, opened_on, id);

create index ix_cases_organisation_id_status_opened_on_id on app.cases (organisation_id, status,
    opened_on, id);

create index ix_cases_organisation_id_survivor_id on app.cases (organisation_id, survivor_id);

create table app.group_members (
    organisation_id uuid not null,
    id uuid not null,
    group_id uuid not null,
    role text not null,
    joined_on date not null,
    left_on date,
    created_by uuid not null,
    constraint pk_group_members primary key (organisation_id, id),
    constraint uq_group_members_organisation_id_group_id_id unique (organisation_id, group_id, id),
    constraint fk_group_members_organisation_id_group_id foreign key(organisation_id, group_id)
        references app.self_help_groups (organisation_id, id),
    constraint ck_group_members_role check (role in ('MEMBER', 'PRESIDENT', 'SECRETARY', 'TREASURER'))
);

create index ix_group_members_organisation_id_group_id_joined_on_id on app.group_members
    (organisation_id, group_id, joined_on, id);

create table app.survivor_keys (
    organisation_id uuid not null,
    survivor_id uuid not null,
    wrapped bytea not null,
    created_by uuid not null,
    constraint pk_survivor_keys primary key (organisation_id, survivor_id),
    constraint fk_survivor_keys_organisation_id_survivor_id foreign key(organisation_id,
        survivor_id) references app.survivors (organisation_id, id)
);

create table app.case_assignments (
    organisation_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    person_id uuid not null,
    started_at timestamp with time zone default now() not null,
    ended_at timestamp with time zone,
    created_by uuid not null,
    constraint pk_case_assignments primary key (organisation_id, id),
    constraint fk_case_assignments_organisation_id_case_id_survivor_id foreign key(organisation_id,
        case_id, survivor_id) references app.cases (organisation_id, id, survivor_id)
);

create index ix_case_assignments_organisation_id_person_id_case_id on app.case_assignments
    (organisation_id, person_id, case_id) where ended_at is null;

create unique index uq_case_assignments_live on app.case_assignments (organisation_id, case_id,
    person_id) where ended_at is null;

create table app.case_notes (
    organisation_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    kind text not null,
    written_at timestamp with time zone default now() not null,
    created_by uuid not null,
    constraint pk_case_notes primary key (organisation_id, id),
    constraint uq_case_notes_organisation_id_id_case_id_survivor_id unique (organisation_id, id,
        case_id, survivor_id),
    constraint fk_case_notes_organisation_id_case_id_survivor_id foreign key(organisation_id,
        case_id, survivor_id) references app.cases (organisation_id, id, survivor_id),
    constraint ck_case_notes_kind check (kind in ('GENERAL', 'HOME_VISIT', 'PHONE_CALL', 'LEGAL',
        'SAFETY'))
);

create index ix_case_notes_organisation_id_case_id_written_at_id on app.case_notes (organisation_id,
    case_id, written_at, id);

create table app.group_entries (
    organisation_id uuid not null,
    id uuid not null,
    group_id uuid not null,
    member_id uuid not null,
    kind text not null,
    amount_paise bigint not null,
    entered_on date not null,
    created_by uuid not null,
    constraint pk_group_entries primary key (organisation_id, id),
    constraint fk_group_entries_organisation_id_group_id_member_id foreign key(organisation_id,
        group_id, member_id) references app.group_members (organisation_id, group_id, id),
    constraint ck_group_entries_kind check (kind in ('SAVING', 'LOAN_OUT', 'REPAY_PRINCIPAL',
        'REPAY_INTEREST')),
    constraint ck_group_entries_amount check (amount_paise > 0)
);

create index ix_group_entries_organisation_id_group_id_kind on app.group_entries (organisation_id,
    group_id, kind) include (amount_paise);

create table app.group_member_identities (
    organisation_id uuid not null,
    member_id uuid not null,
    wrapped bytea not null,
    name bytea not null,
    created_by uuid not null,
    constraint pk_group_member_identities primary key (organisation_id, member_id),
    constraint fk_group_member_identities_organisation_id_member_id foreign key(organisation_id,
        member_id) references app.group_members (organisation_id, id)
);

create table app.legal_proceedings (
    organisation_id uuid not null,
    id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    jurisdiction text not null,
    state text not null,
    court text,
    stage text not null,
    sections text[] default '{}' not null,
    filed_on date,
    created_by uuid not null,
    constraint pk_legal_proceedings primary key (organisation_id, id),
    constraint uq_legal_proceedings_organisation_id_id_case_id_survivor_id unique (organisation_id,
        id, case_id, survivor_id),
    constraint fk_legal_proceedings_organisation_id_case_id_survivor_id foreign key(organisation_id,
        case_id, survivor_id) references app.cases (organisation_id, id, survivor_id),
    constraint ck_legal_proceedings_jurisdiction check (jurisdiction in ('SOURCE', 'DESTINATION')),
    constraint ck_legal_proceedings_stage check (stage in ('NOT_REPORTED', 'GD_ENTRY', 'FIR',
        'INVESTIGATION', 'CHARGESHEET', 'FINAL_REPORT', 'PROTEST_PETITION', 'COGNIZANCE',
        'CHARGE_FRAMED', 'EVIDENCE', 'ARGUMENTS', 'JUDGMENT', 'APPEAL', 'DISPOSED'))
);

create index ix_legal_proceedings_organisation_id_case_id_filed_on on app.legal_proceedings
    (organisation_id, case_id, filed_on);

create table app.referrals (
    organisation_id uuid not null,
    id uuid not null,
    received_id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    to_organisation_id uuid not null,
    need text not null,
    urgency text not null,
    scopes text[] default '{}' not null,
    state text not null,
    agreed_until timestamp with time zone,
    sent_at timestamp with time zone,
    ended_at timestamp with time zone,
    created_by uuid not null,
    created_at timestamp with time zone default now() not null,
    constraint pk_referrals primary key (organisation_id, id),
    constraint uq_referrals_organisation_id_received_id unique (organisation_id, received_id),
    constraint fk_referrals_organisation_id_case_id_survivor_id foreign key(organisation_id,
        case_id, survivor_id) references app.cases (organisation_id, id, survivor_id),
    constraint ck_referrals_need check (need in ('LEGAL_REPRESENTATION', 'COURT_FOLLOW_UP',
        'SHELTER', 'REPATRIATION', 'TRACING')),
    constraint ck_referrals_urgency check (urgency in ('ROUTINE', 'SOON', 'URGENT')),
    constraint ck_referrals_state check (state in ('DRAFT', 'CONSENT_RECORDED', 'SENT', 'SUSPENDED',
        'REVOKED', 'CLOSED')),
    constraint ck_referrals_scopes check (scopes <@ array['LEGAL_STATUS', 'HEARING_SCHEDULE',
        'IDENTITY_MINIMAL', 'IDENTITY_FULL', 'CONTACT_SAFE', 'HEALTH_MHPSS', 'SHELTER_REPATRIATION',
        'COMPENSATION', 'DOCUMENTS', 'RISK_SAFETY']::text[]),
    constraint ck_referrals_receiver check (to_organisation_id <> organisation_id),
    constraint ck_referrals_sent check (state in ('DRAFT', 'CONSENT_RECORDED') or (sent_at is not
        null and agreed_until is not null)),
    constraint ck_referrals_agreed check (state = 'DRAFT' or agreed_until is not null),
    constraint fk_referrals_to_organisation_id foreign key(to_organisation_id) references
        app.organisations (id)
);

create index ix_referrals_organisation_id_case_id on app.referrals (organisation_id, case_id);

create index ix_referrals_to_organisation_id_organisation_id on app.referrals (to_organisation_id,
    organisation_id);

create table app.survivor_identities (
    organisation_id uuid not null,
    survivor_id uuid not null,
    first_name bytea,
    second_name bytea,
    alias bytea,
    birth_date bytea,
    phone bytea,
    phone_index bytea,
    address bytea,
    created_by uuid not null,
    constraint pk_survivor_identities primary key (organisation_id, survivor_id),
    constraint fk_survivor_identities_organisation_id_survivor_id foreign key(organisation_id,
        survivor_id) references app.survivors (organisation_id, id),
    constraint fk_survivor_identities_key foreign key(organisation_id, survivor_id) references
        app.survivor_keys (organisation_id, survivor_id)
);

create index ix_survivor_identities_organisation_id_phone_index on app.survivor_identities
    (organisation_id, phone_index);

create table app.case_note_texts (
    organisation_id uuid not null,
    note_id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    text bytea not null,
    created_by uuid not null,
    constraint pk_case_note_texts primary key (organisation_id, note_id),
    constraint fk_case_note_texts_organisation_id_note_id_case_id_survivor_id foreign
        key(organisation_id, note_id, case_id, survivor_id) references app.case_notes
        (organisation_id, id, case_id, survivor_id),
    constraint fk_case_note_texts_key foreign key(organisation_id, survivor_id) references
        app.survivor_keys (organisation_id, survivor_id)
);

create table app.hearings (
    organisation_id uuid not null,
    id uuid not null,
    proceeding_id uuid not null,
    case_id uuid not null,
    survivor_id uuid not null,
    held_on date not null,
    mode text not null,
    purpose text,
    created_by uuid not null,
    constraint pk_hearings primary key (organisation_id, id),
    constraint fk_hearings_organisation_id_proceeding_id_case_id_survivor_id foreign
        key(organisation_id, proceeding_id, case_id, survivor_id) references app.legal_proceedings
        (organisation_id, id, case_id, survivor_id),
    constraint ck_hearings_mode check (mode in ('PHYSICAL', 'VIDEO')),
    constraint ck_hearings_purpose check (purpose in ('APPEARANCE', 'BAIL', 'CHARGE', 'EVIDENCE', 'ARGUMENTS',
        'JUDGMENT', 'COMPENSATION', 'OTHER'))
);

create index ix_hearings_organisation_id_proceeding_id_held_on on app.hearings (organisation_id,
    proceeding_id, held_on);

create table app.referral_answers (
    organisation_id uuid not null,
    id uuid not null,
    referral_organisation_id uuid not null,
    referral_id uuid not null,
    answer text not null,
    answered_at timestamp with time zone default now() not null,
    created_by uuid not null,
    constraint pk_referral_answers primary key (organisation_id, id),
    constraint uq_referral_answers_organisation_id_referral_organisati_1b7a unique (organisation_id,
        referral_organisation_id, referral_id, answer),
    constraint fk_referral_answers_referral foreign key(referral_organisation_id, referral_id)
        references app.referrals (organisation_id, received_id),
    constraint ck_referral_answers_answer check (answer in ('ACCEPTED', 'DECLINED', 'IN_PROGRESS',
        'COMPLETED')),
    constraint fk_referral_answers_organisation_id foreign key(organisation_id) references
        app.organisations (id)
);

create index ix_referral_answers_referral_organisation_id_referral_id on app.referral_answers
    (referral_organisation_id, referral_id);

create table app.referral_hearings (
    organisation_id uuid not null,
    id uuid not null,
    referral_organisation_id uuid not null,
    referral_id uuid not null,
    held_on date not null,
    mode text not null,
    purpose text,
    created_by uuid not null,
    constraint pk_referral_hearings primary key (organisation_id, id),
    constraint fk_referral_hearings_referral foreign key(referral_organisation_id, referral_id)
        references app.referrals (organisation_id, received_id),
    constraint ck_referral_hearings_mode check (mode in ('PHYSICAL', 'VIDEO')),
    constraint ck_referral_hearings_purpose check (purpose in ('APPEARANCE', 'BAIL', 'CHARGE', 'EVIDENCE', 'ARGUMENTS',
        'JUDGMENT', 'COMPENSATION', 'OTHER')),
    constraint fk_referral_hearings_organisation_id foreign key(organisation_id) references
        app.organisations (id)
);

create index ix_referral_hearings_referral_organisation_id_referral_id on app.referral_hearings
    (referral_organisation_id, referral_id);
"""

# The doors ask it which referrals the caller sees in the sender's own table: it has no right of its own.
FUNCTIONS = """
create function app.my_referrals() returns setof uuid
language sql stable parallel safe set search_path = pg_catalog, pg_temp as $$
    select received_id from app.referrals
$$;

-- The policy of answers asks it what the caller sees of a referral that it received: NULL when it sees none.
create function app.received_status(sender uuid, referral uuid) returns text
language plpgsql stable parallel safe set search_path = pg_catalog, pg_temp as $$
begin
    return (select d.status from door.received_referrals d where d.from_organisation_id = sender and d.id = referral);
end
$$;

revoke all on all functions in schema app from public;
"""


def upgrade() -> None:
    """Make the tables of the domain as their owner, and the functions that its doors and policies ask."""
    op.execute("set local role pat_owner")
    op.get_bind().exec_driver_sql(TABLES)
    op.get_bind().exec_driver_sql(FUNCTIONS)
    # The functions that look a session up read memberships.
    op.execute("grant usage on schema app to pat_sec")
    op.execute("reset role")
