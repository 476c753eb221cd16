"""How members and invitations are found."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME, TEXT

MEMBERS = Source(
    "(select m.organisation_id, m.id, m.role, m.name from app.memberships m where m.ended_at is null)"
)
BY_NAME = {"NAME": (Order("name", TEXT),)}
OF_ROLE = {"role": Filter("{t}.role = lower({value})")}

INVITATIONS = Source(
    "(select i.id, i.email, i.name, i.role, i.expires_at, i.created_at, i.taken_up_at, i.withdrawn_at,"
    " i.taken_up_at is null and i.withdrawn_at is null and i.expires_at > now() as is_open from app.invitations i)"
)
INVITATION = Row(INVITATIONS)
NEWEST = {"NEWEST": (Order("created_at", DATETIME, desc=True),)}
OPEN = {"isOpen": Filter("{t}.is_open = {value}", "bool")}
