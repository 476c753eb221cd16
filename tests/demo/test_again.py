"""Another load gives the same network."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.demo.conftest import Databases, Demo, fill

from pat_platform.settings import Settings
from pat_server.demo.cases import case_stories
from pat_server.demo.chance import identifier

VISIBLE = {
    "places": "select id, level, parent_id, name, aliases from app.places",
    "organisations": "select id, slug, kind, htcds_type, name, state from app.organisations",
    "people": "select id, email from sec.people",
    "memberships": "select organisation_id, id, person_id, role, name from app.memberships",
    "survivors": "select organisation_id, code, gender, marital_status, birth_year, is_minor_at_intake, place_id, created_at::date"
    " from app.survivors",
    "cases": "select organisation_id, code, status, stage, risk_level, trafficking_status, exploitation, place_id, opened_on, closed_on,"
    " version, created_at::date from app.cases",
    "assignments": "select c.code, a.membership_id, a.started_at::date, a.ended_at from app.case_assignments a"
    " join app.cases c on c.id = a.case_id",
    "notes": "select c.code, n.kind, n.written_at::date, n.created_by from app.case_notes n join app.cases c on c.id = n.case_id",
    "proceedings": "select c.code, p.jurisdiction, p.state, p.court, p.stage, p.sections, p.filed_on, p.created_by"
    " from app.legal_proceedings p join app.cases c on c.id = p.case_id",
    "hearings": "select c.code, h.held_on, h.mode, h.purpose from app.hearings h join app.cases c on c.id = h.case_id",
    "groups": "select organisation_id, name, status, policy, place_id, formed_on from app.self_help_groups",
    "book": "select g.name, e.kind, e.amount_paise, e.entered_on from app.group_entries e join app.self_help_groups g on g.id = e.group_id",
    "referrals": "select c.code, r.to_organisation_id, r.need, r.urgency, r.state, r.scopes, r.sent_at::date, r.agreed_until::date,"
    " r.ended_at::date from app.referrals r join app.cases c on c.id = r.case_id",
}


def visible(demo: Demo) -> dict[str, list[tuple[Any, ...]]]:
    """What people see, without the ids that verbs draw by chance."""
    return {name: sorted(demo.rows(query), key=repr) for name, query in VISIBLE.items()}


@pytest.mark.slow
def test_another_load_shows_the_same(demo: Demo, databases: Databases) -> None:
    first, second = visible(demo), visible(databases.loaded("again"))
    for name in VISIBLE:
        assert first[name] == second[name], name


@pytest.mark.slow
def test_a_load_waits_where_a_request_would_not(databases: Databases) -> None:
    made = databases.migrated("slow")
    longer = Settings.lock_timeout_ms / 1000 + 1

    async def loads() -> None:
        async with await psycopg.AsyncConnection.connect(made.url) as somebody:
            await somebody.execute("lock table app.cases in exclusive mode")
            loading = asyncio.create_task(fill(made))
            await asyncio.sleep(longer)
            assert not loading.done()
            await somebody.rollback()
            await loading

    asyncio.run(loads())
    assert made.count("cases") == 164


def test_stories_move_with_the_day(demo: Demo) -> None:
    later = timedelta(days=100)
    told, told_later = case_stories(demo.day), case_stories(demo.day + later)
    assert [case.opened_on + later for case in told["cbo-a"]] == [
        case.opened_on for case in told_later["cbo-a"]
    ]
    assert [case.code for case in told["cbo-a"]] == [case.code for case in told_later["cbo-a"]]
    assert [case.status for case in told["cbo-a"]] == [case.status for case in told_later["cbo-a"]]


def test_ids_are_the_same_and_of_version_four() -> None:
    assert identifier("organisation", "cbo-a") == identifier("organisation", "cbo-a")
    assert identifier("organisation", "cbo-a") != identifier("organisation", "cbo-b")
    assert identifier("organisation", "cbo-a").version == 4
