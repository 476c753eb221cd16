"""How alerts are found."""

from pat_platform.engine.declare import Order, Source
from pat_platform.engine.kinds import DATETIME

ALERTS = Source("app.alerts")
BY_TIME = {"NEWEST": (Order("created_at", DATETIME, desc=True),)}
OF_ALERT = "{n}.id = {t}.survivor_id"
