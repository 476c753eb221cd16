"""The floor's statements: for each operation the fastest one that we could write by hand.

What is asked for is known here, so nothing is decided at run time. Row security is the same as the engine's.
"""

from __future__ import annotations


def _id(type_name: str, key: str) -> str:
    return f"encode(convert_to('{type_name}:' || {key}, 'UTF8'), 'base64')"


def _day(column: str) -> str:
    return f"to_char({column}, 'YYYY-MM-DD')"


def _moment(column: str) -> str:
    return f"to_char({column} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


_WITHHELD = "json_build_object('reason', 'NOT_SHARED')"

CASE_FILE = f"""
select json_build_object('case', (
  select json_build_object(
    'id', {_id("Case", "c.id")}, 'code', c.code, 'status', c.status, 'stage', c.stage, 'riskLevel', c.risk_level,
    'openedOn', c.opened_on,
    'legalProceedings', coalesce((
      select json_agg(json_build_object(
        'id', {_id("LegalProceeding", "p.id")}, 'jurisdiction', p.jurisdiction, 'state', p.state, 'court', p.court,
        'stage', p.stage, 'filedOn', p.filed_on,
        'hearings', coalesce((
          select json_agg(json_object(
            '{{id,heldOn,mode,purpose}}',
            array[{_id("Hearing", "h.id")}, {_day("h.held_on")}, h.mode, h.purpose]) order by h.held_on, h.id)
          from app.hearings h where h.proceeding_id = p.id), '[]'::json)
        ) order by p.filed_on desc, p.id)
      from app.legal_proceedings p where p.case_id = c.id), '[]'::json))
  from app.cases c where c.id = $1::uuid))::text"""

# The tag of a cursor as the engine's cursors are signed: HMAC-SHA-256 by hand, its key blocks as parameters.
_PAYLOAD = "convert_to(json_build_array(opened_on::text, id::text)::text, 'UTF8')"
CASE_LIST = f"""
with page as materialized (
  select c.*, row_number() over () as place from (
    select id, code, status, risk_level, opened_on from app.cases
    where status = ($1::text[])[1] order by opened_on desc, id desc limit 51) c)
select json_build_object('cases', json_build_object(
  'edges', (
    select coalesce(json_agg(json_build_object('node', json_build_object(
      'id', {_id("Case", "page.id")}, 'code', page.code, 'status', page.status, 'riskLevel', page.risk_level,
      'openedOn', page.opened_on, 'latestProceeding', (
        select json_object('{{id,stage,state,filedOn}}',
          array[{_id("LegalProceeding", "p.id")}, p.stage, p.state, {_day("p.filed_on")}])
        from app.legal_proceedings p where p.case_id = page.id order by p.filed_on desc, p.id limit 1)))
      order by page.place), '[]'::json)
    from page where place <= 50),
  'pageInfo', (
    select json_build_object(
      'hasNextPage', count(*) > 50,
      'endCursor', (
        select translate(encode(substr(sha256($3::bytea || sha256($2::bytea || {_PAYLOAD})), 1, 16) || {_PAYLOAD}, 'base64'),
          E'+/=\\n', '-_')
        from page where place <= 50 order by place desc limit 1))
    from page)))::text"""

CASE_TABLE = f"""
select json_build_object('cases', json_build_object('edges', coalesce(json_agg(json_build_object('node', json_object(
  '{{id,code,status,stage,riskLevel,traffickingStatus,openedOn,closedOn}}',
  array[{_id("Case", "c.id")}, c.code, c.status, c.stage, c.risk_level, c.trafficking_status,
    {_day("c.opened_on")}, {_day("c.closed_on")}]))), '[]'::json)))::text
from (select * from app.cases order by opened_on desc, id desc limit 500) c"""

DASHBOARD = f"""
select json_build_object('caseCounts', coalesce(json_agg(json_build_object(
  'status', c.status, 'count', c.count, 'place', case when p.id is not null then json_object(
    '{{id,name}}', array[{_id("Place", "p.id")}, p.name]) end) order by c.status, c.place_id), '[]'::json))::text
from (select status, place_id, count(*)::int as count from app.cases group by status, place_id) c
left join app.places p on p.id = c.place_id"""

GROUPS = f"""
select json_build_object('selfHelpGroups', json_build_object('edges', coalesce(json_agg(json_build_object('node',
  json_build_object('id', {_id("SelfHelpGroup", "g.id")}, 'name', g.name, 'status', g.status,
    'savingsTotal', b.saved, 'loansTotal', b.lent, 'loansOutstanding', b.lent - b.repaid,
    'members', m.list)) order by g.name, g.id), '[]'::json)))::text
from (select id, name, status from app.self_help_groups order by name, id limit 100) g
cross join lateral (
  select coalesce(json_agg(json_object(
    '{{id,role,joinedOn}}', array[{_id("GroupMember", "m.id")}, m.role, {_day("m.joined_on")}])
    order by m.joined_on, m.id), '[]'::json) as list
  from app.group_members m where m.group_id = g.id and m.left_on is null) m
cross join lateral (
  select coalesce(sum(e.amount_paise) filter (where e.kind = 'SAVING'), 0)::bigint as saved,
    coalesce(sum(e.amount_paise) filter (where e.kind = 'LOAN_OUT'), 0)::bigint as lent,
    coalesce(sum(e.amount_paise) filter (where e.kind = 'REPAY_PRINCIPAL'), 0)::bigint as repaid
  from app.group_entries e where e.group_id = g.id) b"""

# The key of the case's survivor is known to the floor, wrapped: so the text comes sealed, and one statement is enough.
ADD_NOTE = f"""
with note as (
  insert into app.case_notes (organisation_id, id, case_id, survivor_id, kind, created_by)
  select c.organisation_id, $2::uuid, c.id, c.survivor_id, $3, sec.actor() from app.cases c where c.id = $1::uuid
  returning organisation_id, id, case_id, survivor_id, kind, written_at, created_by),
body as (
  insert into app.case_note_texts (organisation_id, note_id, case_id, survivor_id, text, created_by)
  select organisation_id, id, case_id, survivor_id, $4::bytea, created_by from note),
event as materialized (
  select trail.record('case_note.added', array[case_id, survivor_id], jsonb_build_object('kind', kind)) from note)
select json_build_object('addCaseNote', json_build_object(
  'id', {_id("CaseNote", "n.id")}, 'kind', n.kind,
  'writtenAt', {_moment("n.written_at")},
  'author', (select json_build_object('name', m.name, 'role', upper(m.role)) from app.memberships m
    where m.person_id = n.created_by order by m.started_at, m.id limit 1)))::text
from note n, event"""

CONTACTS = f"""
with page as materialized (
  select c.opened_on, c.id, c.code, c.survivor_id, k.wrapped, i.first_name, i.second_name, i.phone
  from (select opened_on, id, code, survivor_id from app.cases order by opened_on desc, id desc limit 50) c
  left join app.survivor_keys k on k.survivor_id = c.survivor_id
  left join app.survivor_identities i on i.survivor_id = c.survivor_id),
revealed as materialized (
  select trail.reveal($1, jsonb_agg(distinct jsonb_build_array('identity', survivor_id))) from page)
select {_id("Case", "id")}, code, survivor_id, wrapped, first_name, second_name, phone
from page, revealed order by opened_on desc, id desc"""

# Through the doors, as whoever writes by hand has to: each part is read once for all referrals, not once for each.
INBOX = f"""
with page as materialized (
  select id, status, need, urgency, sent_at, from_organisation_name from door.received_referrals
  order by sent_at desc, id desc limit 200),
shared as materialized (select referral_id, pseudonym, expires_at, scopes from door.received_cases),
proceedings as materialized (
  select referral_id, json_agg(json_build_object('jurisdiction', jurisdiction, 'state', state, 'stage', stage)
    order by jurisdiction, state, id) as list
  from door.received_proceedings group by referral_id),
days as materialized (
  select referral_id, json_agg(json_build_object('heldOn', held_on, 'mode', mode, 'state', state) order by held_on, id) as list
  from door.received_hearings group by referral_id),
people as materialized (
  select referral_id, keeper_id, survivor_id, wrapped, first_name, gender, age_band from door.received_identities),
revealed as materialized (
  select trail.reveal($1, jsonb_agg(jsonb_build_array(c.class, s.referral_id)))
  from page join shared s on s.referral_id = page.id
  cross join (values ('LEGAL_STATUS', 'legal_status'), ('HEARING_SCHEDULE', 'hearing_schedule'), ('IDENTITY_MINIMAL', 'identity'))
    c (scope, class)
  where c.scope = any(s.scopes))
select json_build_object(
    'id', {_id("Referral", "page.id")}, 'status', page.status, 'need', page.need, 'urgency', page.urgency,
    'sentAt', {_moment("page.sent_at")}, 'partnerName', page.from_organisation_name,
    'sharedCase', case when s.referral_id is not null then json_build_object(
      'pseudonym', s.pseudonym, 'expiresAt', {_moment("s.expires_at")},
      'legalStatus', case when 'LEGAL_STATUS' = any(s.scopes)
        then json_build_object('proceedings', coalesce(l.list, '[]'::json)) else {_WITHHELD} end,
      'schedule', case when 'HEARING_SCHEDULE' = any(s.scopes)
        then json_build_object('hearings', coalesce(d.list, '[]'::json)) else {_WITHHELD} end,
      'identity', case when i.referral_id is not null
        then json_build_object('firstName', null, 'gender', i.gender, 'ageBand', i.age_band) else {_WITHHELD} end) end)::text,
  i.keeper_id, i.survivor_id, i.wrapped, i.first_name
from page cross join revealed
left join shared s on s.referral_id = page.id
left join proceedings l on l.referral_id = page.id
left join days d on d.referral_id = page.id
left join people i on i.referral_id = page.id
order by page.sent_at desc, page.id desc"""
