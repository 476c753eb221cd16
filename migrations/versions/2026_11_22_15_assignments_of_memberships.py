"""Whoever works on a case does so in one of her roles: an assignment is a membership's, no longer a person's."""

from alembic import op

revision = "2026_11_22_15"
down_revision = "2026_11_22_14"
branch_labels = None
depends_on = None

# Her place in the organisation that cases are given to: one that lives before one that has ended, then the oldest.
TABLE = """
alter table app.case_assignments add column membership_id uuid;

update app.case_assignments a set membership_id = (
    select m.id from app.memberships m
    where m.organisation_id = a.organisation_id and m.person_id = a.person_id
    and m.role in ('case_manager', 'social_worker', 'counsellor', 'legal_aid')
    order by m.ended_at is not null, m.started_at, m.id limit 1);

drop index app.uq_case_assignments_live;

drop index app.ix_case_assignments_organisation_id_person_id_case_id;

create unique index uq_case_assignments_live on app.case_assignments (organisation_id, case_id,
    membership_id) where ended_at is null;

create index ix_case_assignments_organisation_id_membership_id_case_id on app.case_assignments
    (organisation_id, membership_id, case_id) where ended_at is null;

alter table app.case_assignments add constraint fk_case_assignments_membership foreign key(organisation_id,
    membership_id) references app.memberships (organisation_id, id);
"""

# The session that was entered, as sec.actor() and sec.survivor() look it up.
MEMBERSHIP = """
create function sec.membership() returns uuid
language sql stable security definer parallel safe set search_path = pg_catalog, pg_temp as $$
    select s.membership_id
    from sec.sessions s
    join app.memberships m on m.organisation_id = s.organisation_id and m.id = s.membership_id and m.person_id = s.person_id
    where s.id = nullif(current_setting('pat.session', true), '')::uuid
    and s.login = session_user and s.revoked_at is null and s.expires_at > statement_timestamp()
    and s.login = 'org_' || replace(m.organisation_id::text, '-', '') || '_' || m.role and m.ended_at is null

$$;

revoke all on all functions in schema sec from public;
"""

ROWS = ("app.memberships", "app.case_assignments")


def upgrade() -> None:
    """Give assignments their membership, and make the function that says which one the caller acts under.

    The release before goes on, and reads what it may; what it assigns meanwhile has no membership, and is nobody's.
    """
    op.execute("set local role pat_owner")
    # The owner is bound by row security too: without this it would fill nothing, and check nothing.
    for table in ROWS:
        op.execute(f"alter table {table} no force row level security")
    op.get_bind().exec_driver_sql(TABLE)
    for table in ROWS:
        op.execute(f"alter table {table} force row level security")
    op.execute("set local role pat_sec")
    op.get_bind().exec_driver_sql(MEMBERSHIP)
    op.execute("reset role")
