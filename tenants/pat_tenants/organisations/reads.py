"""How organisations and the people in them are found."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import TEXT

ORGANISATIONS = Source("app.organisations")
ORGANISATION = Row(ORGANISATIONS)

BY_NAME = {"NAME": (Order("name", TEXT),)}
FILTERS = {"kind": Filter("{t}.kind = {value}")}

MEMBERS = Source("app.memberships")
MEMBER = Row(MEMBERS)

# The membership that the caller acts under.
MINE = "{n}.id = (select sec.membership())"
OF_MEMBER = "{n}.id = {t}.organisation_id"
ASSIGNED = "{n}.id = {t}.membership_id"


def member_of(person: str) -> str:
    """The membership of the person whose id stands in the column ``person``; a colleague in two roles is shown in one."""
    return f"{{n}}.person_id = {{t}}.{person}"


FIRST_MEMBERSHIP = (Order("started_at"), Order("id"))
