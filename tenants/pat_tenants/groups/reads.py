"""How self-help groups, their members and totals are found."""

from pat_platform.engine.declare import Audit, Filter, Order, Row, Source
from pat_platform.engine.kinds import TEXT

GROUPS = Source("app.self_help_groups")
GROUP = Row(GROUPS)
THIS_GROUP = "{n}.id = {id:SelfHelpGroup:id}"
ORDERS = {"NAME": (Order("name", TEXT),)}
FILTERS = {"status": Filter("{t}.status = any({value})", "text[]")}

BOOK = (
    "select coalesce(sum(e.amount_paise) filter (where e.kind = 'SAVING'), 0)::bigint as saved,"
    " coalesce(sum(e.amount_paise) filter (where e.kind = 'LOAN_OUT'), 0)::bigint as lent,"
    " coalesce(sum(e.amount_paise) filter (where e.kind = 'REPAY_PRINCIPAL'), 0)::bigint as repaid"
    " from app.group_entries e where e.group_id = {t}.id"
)
SAVED = "{l}.saved"
LENT = "{l}.lent"
OUTSTANDING = "{l}.lent - {l}.repaid"

MEMBER_COUNT = (
    "select count(*)::int as members from app.group_members m where m.group_id = {t}.id and m.left_on is null"
)
MEMBERS_COUNTED = "{l}.members"

MEMBERS = Source("app.group_members")
CURRENT_MEMBERS = "{n}.group_id = {t}.id and {n}.left_on is null"
BY_JOINING = (Order("joined_on"), Order("id"))

IDENTITIES = Source(
    "(select m.id as member_id, i.wrapped, i.name from app.group_members m"
    " left join app.group_member_identities i on i.member_id = m.id)",
    key=("member_id",),
)
IDENTITY = "{n}.member_id = {t}.id"
# Nobody is assigned to a group's member.
IS_ASSIGNED = "false"
IDENTITY_READ = Audit("identity", "{t}.member_id")
