"""How referrals are counted, by the sender and by the receiver: those that each would list, in the states that each would read."""

from pat_platform.engine.declare import Order, Source
from pat_platform.engine.kinds import TEXT


def _counted(direction: str, status: str, listed: str) -> Source:
    return Source(
        f"(select '{direction}' as direction, {status} as status, x.urgency, count(*)::int as count, min(x.sent_at) as oldest_sent_at"
        f" from {listed} group by {status}, x.urgency)",
        ("status", "urgency"),
        TEXT,
    )


SENT = _counted("SENT", "s.status", "app.referrals x join door.referral_states s on s.id = x.id")
RECEIVED = _counted("RECEIVED", "x.status", "door.received_referrals x")
OF_DIRECTION = "{n}.direction = ({arg:direction})::text"
IN_ORDER = (Order("status"), Order("urgency"))
