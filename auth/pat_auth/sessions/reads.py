"""How somebody's own sessions are found."""

from pat_platform.engine.declare import Order, Source
from pat_platform.engine.kinds import UUID

# Known by their handles: the id of a session is the secret that it is entered with.
MINE = Source("(select * from sec.my_sessions())", key=("handle",), kind=UUID)
ALL_OF_MINE = "true"
NEWEST = (Order("created_at", desc=True), Order("handle"))
