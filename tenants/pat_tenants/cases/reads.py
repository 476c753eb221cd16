"""How cases, their assignments, notes, proceedings and hearings are found."""

from pat_platform.engine.declare import Audit, Filter, Order, Row, Source
from pat_platform.engine.kinds import DATE, DATETIME, TEXT

CASES = Source("app.cases")
CASE = Row(CASES)
THIS_CASE = "{n}.id = {id:Case:id}"

ORDERS = {
    "OPENED_ON_DESC": (Order("opened_on", DATE, desc=True),),
    "OPENED_ON_ASC": (Order("opened_on", DATE),),
    "CODE_ASC": (Order("code", TEXT),),
}
FILTERS = {
    "status": Filter("{t}.status = any({value})", "text[]", single="{t}.status = ({value})[1]"),
    "stage": Filter("{t}.stage = any({value})", "text[]"),
    "riskLevel": Filter("{t}.risk_level = {value}"),
    "openedFrom": Filter("{t}.opened_on >= {value}", "date"),
    "openedTo": Filter("{t}.opened_on <= {value}", "date"),
    "code": Filter("{t}.code = {value}"),
    "assignedToMe": Filter(
        "{value} = ({t}.id in (select a.case_id from app.case_assignments a"
        " where a.membership_id = (select sec.membership()) and a.ended_at is null))",
        "bool",
    ),
}

HTCDS_STATUS = (
    "case {t}.status when 'FOLLOW_UP' then 'FollowUp' when 'CLOSED' then 'Closed' when 'NOT_ELIGIBLE' then 'Closed'"
    " when 'CLOSED_REFERRED' then 'ClosedReferred' else 'Active' end"
)

BY_OPENING = (Order("opened_on", desc=True), Order("id"))
OF_SURVIVOR = "{n}.survivor_id = {t}.id"
CASE_OF = "{n}.id = {t}.case_id"

COUNTS = Source(
    "(select c.status, c.place_id, count(*)::int as count from app.cases c group by c.status, c.place_id)",
    key=("status", "place_id"),
)
ALL_COUNTS = "true"
BY_STATUS_AND_PLACE = (Order("status"), Order("place_id"))

ASSIGNMENTS = Source("app.case_assignments")
# What the release before assigned is nobody's.
LIVE_ASSIGNMENTS = "{n}.case_id = {t}.id and {n}.ended_at is null and {n}.membership_id is not null"
BY_START = (Order("started_at"), Order("id"))

NOTES = Source("app.case_notes")
NOTE = Row(NOTES)
OF_CASE = "{n}.case_id = {t}.id"
NOTE_ORDERS = {"WRITTEN_AT_DESC": (Order("written_at", DATETIME, desc=True),)}

NOTE_IS_ASSIGNED = (
    "{t}.case_id in (select a.case_id from app.case_assignments a"
    " where a.membership_id = (select sec.membership()) and a.ended_at is null)"
)
NOTE_TEXTS = Source(
    "(select n.id as note_id, n.survivor_id, k.wrapped, x.text from app.case_notes n"
    " left join app.survivor_keys k on k.survivor_id = n.survivor_id"
    " left join app.case_note_texts x on x.note_id = n.id)",
    key=("note_id",),
)
NOTE_TEXT = "{n}.note_id = {t}.id"
NOTE_TEXT_READ = Audit("note", "{t}.survivor_id")

PROCEEDINGS = Source("app.legal_proceedings")
PROCEEDING = Row(PROCEEDINGS)
BY_FILING = (Order("filed_on", desc=True), Order("id"))
