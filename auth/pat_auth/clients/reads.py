"""How clients and their keys are found."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import TEXT

CLIENTS = Source("app.clients")
CLIENT = Row(CLIENTS)

BY_NAME = {"NAME": (Order("name", TEXT),)}
FILTERS = {"isDisabled": Filter("({t}.disabled_at is not null) = {value}", "bool")}

KEYS = Source("(select k.*, k.retired_at is null as is_believed from app.client_keys k)")
OF_CLIENT = "{n}.client_id = {t}.id"
NEWEST_KEY = (Order("created_at", desc=True), Order("id"))
