"""How places are found."""

from pat_platform.engine.declare import Filter, Order, Row, Source
from pat_platform.engine.kinds import TEXT

PLACES = Source("app.places")
PLACE = Row(PLACES)

BY_NAME = {"NAME": (Order("name", TEXT),)}
FILTERS = {"level": Filter("{t}.level = {value}")}

HERE = "{n}.id = {t}.place_id"
PARENT = "{n}.id = {t}.parent_id"
