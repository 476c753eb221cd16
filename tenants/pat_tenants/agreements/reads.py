"""How agreements are found: what both sides have signed, through the door."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import TEXT

AGREEMENTS = Source("door.agreements", key=("partner_id",))
AGREEMENT = Row(AGREEMENTS, column="partner_id")
BY_NAME = {"NAME": (Order("partner_name", TEXT),)}
FILTERS = {"status": Filter("{t}.status = any({value})", "text[]")}
