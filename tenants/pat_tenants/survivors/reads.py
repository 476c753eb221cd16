"""How survivors are found, and, apart from them, who they are."""

from pat_platform.engine.declare import Audit, Row, Source

SURVIVORS = Source("app.survivors")
SURVIVOR = Row(SURVIVORS)
THIS_SURVIVOR = "{n}.id = {id:Survivor:id}"

OF_CASE = "{n}.id = {t}.survivor_id"

# Five years, as the case data standard advises for what is shown without identity.
AGE_BAND = (
    "case when {t}.birth_year is null then null else"
    " ((extract(year from current_date)::int - {t}.birth_year) / 5 * 5)::text || '-'"
    " || ((extract(year from current_date)::int - {t}.birth_year) / 5 * 5 + 4)::text end"
)

IS_ASSIGNED = (
    "{t}.id in (select a.survivor_id from app.case_assignments a"
    " where a.membership_id = (select sec.membership()) and a.ended_at is null)"
)

# The row is there whether or not an identity was recorded: what is withheld never tells which.
IDENTITIES = Source(
    "(select s.organisation_id, s.id as survivor_id, k.wrapped,"
    " i.first_name, i.second_name, i.alias, i.birth_date, i.phone, i.address"
    " from app.survivors s"
    " left join app.survivor_keys k on k.survivor_id = s.id"
    " left join app.survivor_identities i on i.survivor_id = s.id)",
    key=("survivor_id",),
)
IDENTITY = "{n}.survivor_id = {t}.id"
IDENTITY_READ = Audit("identity", "{t}.survivor_id")


def sealed(table: str, column: str, subject: str, row: str | None = None) -> str:
    """What the finishing step ``unseal`` needs to open one sealed column: text of a JSON array, or NULL when nothing is there."""
    place = f"""'["{table}","{column}","' || {{t}}.{subject}"""
    place += f""" || '","' || {{t}}.{row} || '","'""" if row else """ || '",null,"'"""
    return f"""{place} || encode({{t}}.wrapped, 'hex') || '","' || encode({{t}}.{column}, 'hex') || '"]'"""
