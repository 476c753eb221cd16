"""What has changed about referrals since somebody looked: asked in her own name, of what she may see now.

``$1`` is the snapshot of the look before, ``$2`` its moment; both are null for whoever looks for the first time. The answer says
where the next look begins, which referrals have changed, and in how many seconds the first of them runs out, or is open because its
agreement begins. With ``$3`` it says that of all referrals, and of which it has happened since the look before: that is not written
by anybody, and to find it takes longer.
"""

_NEXT = (
    "least(case when v.agreed_until > statement_timestamp() then v.agreed_until end,"
    " case when v.begins_at > statement_timestamp() then v.begins_at end) as turns_at"
)

_LOOK = """
with changed as materialized (
    select distinct c.referral_id as id from app.referral_changes c
    where c.transaction >= pg_snapshot_xmin($1::pg_snapshot)::text::bigint
    and c.transaction < pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    and not pg_visible_in_snapshot(c.transaction::text::xid8, $1::pg_snapshot)
), later as (
    select {next} from {visible} v where $3::boolean
    union all
    select (select {next} from {visible} v where v.id = c.id)
    from changed c
)
select json_build_object(
    'snapshot', pg_current_snapshot()::text,
    'moment', statement_timestamp()::text,
    'seconds', (select extract(epoch from min(turns_at) - statement_timestamp())::float8 from later),
    'is_foreign', coalesce(pg_snapshot_xmax($1::pg_snapshot) > pg_snapshot_xmax(pg_current_snapshot()), false),
    'changed', (
        select coalesce(json_agg(found.id), '[]') from (
            select id from changed
            union
            select v.id from {visible} v
            where $3::boolean and (v.agreed_until > $2::timestamptz and v.agreed_until <= statement_timestamp()
                or v.begins_at > $2::timestamptz and v.begins_at <= statement_timestamp())
        ) found)
)::text"""

SENT = _LOOK.format(visible="door.referral_states", next=_NEXT)
RECEIVED = _LOOK.format(visible="door.received_referrals", next=_NEXT)
