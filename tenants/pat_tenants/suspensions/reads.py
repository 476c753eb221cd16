"""How suspensions are found: by the secretariat in its own table, by whom they are about through the door."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME

SUSPENSIONS = Source("app.partner_suspensions")
SUSPENSION = Row(SUSPENSIONS)
PARTNER = "{n}.id = {t}.partner_id"
BY_TIME = {"NEWEST": (Order("created_at", DATETIME, desc=True),)}
IN_FORCE = {"isInForce": Filter("({t}.lifted_at is null) = {value}", "boolean")}

OURS = Source("door.our_suspensions")
OURS_IN_FORCE = "{n}.lifted_at is null"
LONGEST = (Order("created_at"), Order("id"))
