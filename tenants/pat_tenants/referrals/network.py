"""How the secretariat finds which referrals there are in the network: through its own door alone."""

from pat_platform.engine.declare import Filter, Order, Source
from pat_platform.engine.kinds import DATE, TEXT

# The network is no row of any table: what is asked of it hangs on this one.
NETWORK = Source("(select 'network' as id)", kind=TEXT)
ALL = "true"

REFERRALS = Source("door.network_referrals")
FROM = "{n}.id = {t}.from_organisation_id"
TO = "{n}.id = {t}.to_organisation_id"

# Within a month by a name that nothing can be read from: the order of sending is not told.
ORDERS = {"MONTH_DESC": (Order("month", DATE, desc=True),), "MONTH_ASC": (Order("month", DATE),)}
FILTERS = {
    "status": Filter("{t}.status = any({value})", "text[]"),
    "fromMonth": Filter("{t}.month >= date_trunc('month', {value})", "date"),
    "toMonth": Filter("{t}.month <= {value}", "date"),
}

COUNTS = Source(
    "(select o.state, r.status, count(*)::int as count from door.network_referrals r"
    " join app.organisations o on o.id = r.to_organisation_id group by o.state, r.status)",
    ("state", "status"),
    TEXT,
)
BY_STATE = (Order("state"), Order("status"))
