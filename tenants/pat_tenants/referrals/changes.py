"""What has changed about referrals since somebody looked: asked in her own name, of what she may see now.

``$1`` is the snapshot of the look before, ``$2`` its moment; both are null for whoever looks for the first time. The answer says
where the next look begins, in how many seconds a referral runs out, if one does, and which have changed. A referral runs out
without being written: so those whose time was over in between have changed, too.
"""

_LOOK = """
select json_build_object(
    'snapshot', pg_current_snapshot()::text,
    'moment', statement_timestamp()::text,
    'seconds', (
        select extract(epoch from min(v.agreed_until) - statement_timestamp())::float8
        from {visible} v where v.agreed_until > statement_timestamp()),
    'is_foreign', coalesce(pg_snapshot_xmax($1::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()), false),
    'changed', (
        select coalesce(json_agg(distinct found.id), '[]') from (
            select c.referral_id as id from app.referral_changes c
            where c.transaction >= pg_snapshot_xmin($1::pg_snapshot)::text::bigint
            and c.transaction < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
            and not pg_visible_in_snapshot(c.transaction::text::xid8, $1::pg_snapshot)
            union all
            select v.id from {visible} v
            where v.agreed_until > $2::timestamptz and v.agreed_until <= statement_timestamp()
        ) found)
)::text"""

SENT = _LOOK.format(visible="door.referral_states")
RECEIVED = _LOOK.format(visible="door.received_referrals")
