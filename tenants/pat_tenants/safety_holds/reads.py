"""How safety holds are found."""

from pat_platform.engine.declare import Order, Row, Source

HOLDS = Source("app.safety_holds")
HOLD = Row(HOLDS)
IN_FORCE = "{n}.survivor_id = {t}.id and {n}.lifted_at is null"
NEWEST = (Order("created_at", desc=True), Order("id"))
