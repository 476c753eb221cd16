"""How alerts are found."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import DATETIME

ALERTS = Source(
    "(select a.organisation_id, a.id, a.survivor_id, a.created_at, a.kind,"
    " case a.kind when 'WITHDRAWAL' then a.created_at + interval '1 hour' end as reach_her_by,"
    " c.created_at as closed_at, c.created_by as closed_by,"
    " c.because, c.alert_id is null as is_open from app.alerts a"
    " left join app.alert_closings c on c.organisation_id = a.organisation_id and c.alert_id = a.id)"
)
ALERT = Row(ALERTS)
BY_TIME = {"NEWEST": (Order("created_at", DATETIME, desc=True),)}
OPEN = {"isOpen": Filter("{t}.is_open = {value}", "bool")}
OF_ALERT = "{n}.id = {t}.survivor_id"
