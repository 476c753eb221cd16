"""How it is found who works on a received referral, and what has been done about one, by either side."""

from pat_platform.engine.declare import Filter, Order, Source

# The receiver's own rows are its own also after the end; the sender looks through the door.
SENT_UPDATES = Source("door.sent_updates")
RECEIVED_UPDATES = Source("app.referral_updates")
OF_REFERRAL = "{n}.referral_organisation_id = {t}.keeper_id and {n}.referral_id = {t}.received_id"
BY_DAY = (Order("happened_on"), Order("created_at"), Order("id"))

_ASSIGNED = (
    "(select a.membership_id from app.referral_assignments a where a.referral_organisation_id = {t}.keeper_id"
    " and a.referral_id = {t}.received_id order by a.created_at desc, a.id limit 1)"
)
# Whoever has left works on nothing.
ASSIGNEE = f"{{n}}.id = {_ASSIGNED} and {{n}}.ended_at is null"
MINE = {
    "assignedToMe": Filter(
        f"{{value}} = coalesce({_ASSIGNED} = (select sec.membership()), false)",
        "bool",
    )
}
# Who works where else is that organisation's business.
NOBODYS = {"assignedToMe": Filter("{value} = false", "bool")}
