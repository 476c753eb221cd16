"""The network reads of events about people the month; a court and an office are named as what they are."""

from alembic import op

revision = "2026_11_22_62"
down_revision = "2026_11_22_60"
branch_labels = None
depends_on = None

# As the view over all chains has it, which is rendered: in its order.
_EXACT = {
    "session": "opened revoked",
    "password": "changed reset",
    "passkey": "added removed",
    "generator": "renewed",
    "recovery_codes": "renewed",
    "upstream": "added disabled linked unlinked",
    "person": "disabled enabled",
    "member": "invited joined ended",
    "invitation": "withdrawn",
    "client": "registered updated disabled",
    "client_key": "rotated",
    "agreement": "signed suspended resumed",
    "partner": "suspended resumed",
}
_AMONG = ", ".join(f"'{noun}.{done}'" for noun, all_done in _EXACT.items() for done in all_done.split())

INDEX = f"""
drop index trail.ix_events_at;
create index ix_events_shown on trail.events ((case when action = any (array[{_AMONG}]) then at
    else date_trunc('month', at at time zone 'Asia/Kolkata') at time zone 'Asia/Kolkata' end));
"""

_IS_OFFICE = r"""length({column}) <= 120 and {column} ~* '(^|[^a-z])(courts?|tribunal|magistrate|judge|legal services|legal aid'
    '|(nal|sl|dl|sdl|tl)sa|(dl|tl|sdl)sc|cwc|child welfare committee|jjb|juvenile justice board|dcpu|child protection unit'
    '|(children.?s|shelter|observation) home|one stop centre|embassy|consulate|high commission'
    '|আদালত|কোর্ট|अदालत|न्यायालय|कोर्ट)([^a-z]|$)'
    and {column} !~ '[0-9]{{4}}|([^\s,;/]+[\s,;/]+){{8}}[^\s,;/]'"""

# What was written down of a court is one; what may be words about somebody does not stay, and is asked for again.
OFFICE = (
    """
alter table app.{table} no force row level security;
update app.{table} set {column} = {instead} where not ("""
    + _IS_OFFICE
    + """);
update app.{table} set {column} = null where not ("""
    + _IS_OFFICE
    + """);
alter table app.{table} force row level security;
alter table app.{table} drop constraint ck_{table}_{column};
alter table app.{table} add constraint ck_{table}_{column} check ("""
    + _IS_OFFICE
    + """);
"""
)

_OFFICES = (
    ("hearings", "court_point"),
    ("hearings", "remote_point"),
    ("referral_hearings", "court_point"),
    ("referral_hearings", "remote_point"),
    ("hearing_confirmations", "remote_point"),
)


def upgrade() -> None:
    """Change the index and the checks. The wall says who may do what."""
    connection = op.get_bind()
    op.execute("set local role pat_trail")
    connection.exec_driver_sql(INDEX)
    op.execute("set local role pat_owner")
    for table, column in _OFFICES:
        instead = "left('Court, ' || court_point, 120)" if column == "court_point" else column
        connection.exec_driver_sql(OFFICE.format(table=table, column=column, instead=instead))
    op.execute("reset role")


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError
