"""Sessions, invitations and arrivals that nobody was alarmed by are forgotten too."""

from alembic import op

revision = "2026_11_22_35"
down_revision = "2026_11_22_31"
branch_labels = None
depends_on = None

INDEX = "create index ix_sessions_expires_at on sec.sessions (expires_at)"

# What happened is in the trail, under ids that stand for themselves: none of these rows is needed to read it.
FUNCTION = """
create or replace function sec.forget() returns void
language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from sec.codes where hash = any(array(
        select c.hash from sec.codes c where c.expires_at < now() - interval '1 hour' limit 1000));
    delete from sec.asks where id = any(array(
        select a.id from sec.asks a
        where least(a.ended_at, a.expires_at) < now() - interval '1 day' limit 1000));
    delete from sec.browsers where id = any(array(
        select b.id from sec.browsers b
        where least(b.ended_at, b.expires_at) < now() - interval '1 day' limit 1000));
    with over as (
        select s.id from sec.sessions s where s.expires_at < now() - interval '30 days' order by s.expires_at limit 100
    ), their_tokens as (
        delete from sec.refresh_tokens t using over where t.session_id = over.id
    )
    delete from sec.sessions s using over where s.id = over.id;
    delete from sec.assertions where ctid = any(array(
        select a.ctid from sec.assertions a where a.expires_at < now() limit 1000));
    delete from sec.attempts where ctid = any(array(
        select t.ctid from sec.attempts t where t.last_at < now() - interval '1 day' limit 1000));
    delete from app.invitations where ctid = any(array(
        select i.ctid from app.invitations i
        where least(i.taken_up_at, i.withdrawn_at, i.expires_at) < now() - interval '30 days' limit 1000));
    -- With either PIN the same row is written: that of the one which alarms nobody is read by nobody.
    delete from app.alerts a where not a.is_raised and a.created_at < now() - interval '1 day';
$$
"""


def upgrade() -> None:
    """Find sessions by when they end, and forget more. The wall says what the function may reach."""
    op.execute("set local role pat_sec")
    op.execute(INDEX)
    op.get_bind().exec_driver_sql(FUNCTION)
    op.execute("reset role")
