"""The loaded demo network: its totals, its people, its referrals, its trail, and what it does not show."""

import asyncio
from collections import Counter

import psycopg
import pytest
from psycopg.rows import dict_row
from tests.demo.conftest import SECRET, Databases, Demo, fill

from pat_platform.database.logins import ISSUER
from pat_platform.settings import Settings
from pat_platform.trail import first_broken
from pat_server.demo.clients import CLIENT_ID
from pat_server.demo.load import NotEmpty
from pat_server.demo.owner import LoadState, load_state
from pat_server.demo.people import PEOPLE, find_person, sign_in_table
from pat_tenants.cases.models import CaseStatus

PAIRS = """
select o.slug, t.slug from app.referrals r
join app.organisations o on o.id = r.organisation_id join app.organisations t on t.id = r.to_organisation_id
"""


def test_each_organisation_has_its_cases(demo: Demo) -> None:
    counted = demo.rows(
        "select o.slug, count(*) from app.cases c join app.organisations o on o.id = c.organisation_id group by 1 order by 1"
    )
    assert [count for _, count in counted] == [34, 28, 26, 24, 20, 18, 14]
    assert [slug for slug, _ in counted] == [f"cbo-{letter}" for letter in "abcdefg"]


def test_each_case_is_of_another_survivor(demo: Demo) -> None:
    assert demo.rows("select count(*), count(distinct survivor_id) from app.cases") == [(164, 164)]
    assert demo.rows("select count(*) from app.survivor_identities") == [(164,)]


def test_cases_are_in_sixteen_of_the_eighteen_blocks(demo: Demo) -> None:
    blocks = dict(demo.rows("select name, id from app.places where level = 'BLOCK'"))
    found = {place for (place,) in demo.rows("select distinct place_id from app.cases")}
    assert len(blocks) == 18
    assert {name for name, id in blocks.items() if id not in found} == {"Barrackpur-I", "Barrackpur-II"}
    assert len(found) == 16


def test_cases_were_opened_in_the_last_six_years(demo: Demo) -> None:
    [(first, last)] = demo.rows("select min(opened_on), max(opened_on) from app.cases")
    assert last < demo.day
    assert (demo.day - first).days < 6 * 365.25


def test_every_status_of_a_case_occurs(demo: Demo) -> None:
    found = {status for (status,) in demo.rows("select distinct status from app.cases")}
    assert found == set(CaseStatus)


def test_no_case_that_is_over_has_a_hearing_to_come(demo: Demo) -> None:
    coming = demo.rows(
        "select c.status from app.hearings h join app.cases c on c.id = h.case_id where h.held_on > %s",
        demo.day,
    )
    assert coming
    assert {status for (status,) in coming} <= {"ACTIVE", "FOLLOW_UP"}


def test_nothing_is_heard_after_a_case_was_closed(demo: Demo) -> None:
    late = demo.rows(
        "select c.code from app.hearings h join app.cases c on c.id = h.case_id where h.held_on > c.closed_on"
    )
    assert late == []


def test_every_case_has_exactly_one_social_worker(demo: Demo) -> None:
    workers = demo.rows(
        "select c.id, count(*) from app.cases c"
        " join app.case_assignments a on a.case_id = c.id and a.ended_at is null"
        " join app.memberships m on m.id = a.membership_id and m.role = 'social_worker' group by 1"
    )
    assert len(workers) == 164
    assert {count for _, count in workers} == {1}


def test_twenty_social_workers_share_the_cases(demo: Demo) -> None:
    workers = demo.rows(
        "select o.slug, count(distinct m.id) from app.memberships m join app.organisations o on o.id = m.organisation_id"
        " join app.case_assignments a on a.membership_id = m.id where m.role = 'social_worker' group by 1 order by 1"
    )
    assert [count for _, count in workers] == [4, 3, 3, 3, 3, 2, 2]


def test_fifty_three_survivors_sign_in_under_the_codes_of_their_cases(demo: Demo) -> None:
    accounts = demo.rows(
        "select m.name = c.code from app.memberships m join app.cases c on c.survivor_id = m.survivor_id"
        " where m.role = 'survivor'"
    )
    assert accounts == [(True,)] * 53


@pytest.mark.parametrize("letter", "abcdefg")
def test_the_usual_people_sign_in(demo: Demo, letter: str) -> None:
    usual = [
        "admin",
        "manager",
        "worker1",
        "worker2",
        "counsellor",
        "legal",
        "facilitator",
        "mis",
        "survivor7",
    ]
    emails = {email for (email,) in demo.rows("select email from sec.people")}
    assert {f"{sign_in}@cbo-{letter}.example" for sign_in in usual} <= emails


def test_the_table_of_sign_ins_is_the_accounts(demo: Demo) -> None:
    listed = [line.email for line in sign_in_table()]
    assert sorted(listed) == sorted(email for (email,) in demo.rows("select email from sec.people"))
    assert len(set(listed)) == len(PEOPLE)
    elsewhere = {"admin2@secretariat.example", "worker@uttar-pradesh.example", "officer@funder.example"}
    assert elsewhere <= set(listed)


def test_the_issuer_finds_everyone(demo: Demo) -> None:
    settings = Settings.from_environment({}, database_url=demo.url, secret=SECRET)
    with psycopg.connect(settings.conninfo(ISSUER, 1)) as connection:
        found = {person.email: find_person(connection, person.email) for person in PEOPLE}
        assert find_person(connection, "nobody@cbo-a.example") is None
    assert [email for email, member in found.items() if member is None] == []
    assert {person.email: person.login for person in PEOPLE} == {
        email: member.login for email, member in found.items() if member
    }


def test_referrals_go_to_six_states(demo: Demo) -> None:
    pairs = Counter(demo.rows(PAIRS))
    assert {receiver for _, receiver in pairs} == {
        *("goa", "maharashtra", "delhi"),
        *("uttar-pradesh", "gujarat", "punjab"),
    }
    assert pairs["cbo-a", "goa"] >= 2


def test_no_step_of_a_referral_is_to_come_or_out_of_order(demo: Demo) -> None:
    steps = demo.rows(
        "select r.created_at <= r.sent_at, r.sent_at <= a.answered_at, a.answered_at <= now(),"
        " r.ended_at is null or r.ended_at >= a.answered_at from app.referrals r"
        " join app.referral_answers a on a.referral_organisation_id = r.organisation_id and a.referral_id = r.received_id"
    )
    assert set(steps) == {(True, True, True, True)}


def test_the_history_of_a_referral_begins_with_its_draft_and_is_past(demo: Demo) -> None:
    histories = demo.rows(
        "select array_agg(s.state order by s.taken_at), max(s.taken_at) <= now(),"
        " bool_and(s.state <> 'SENT' or s.taken_at >= r.sent_at) and bool_or(s.taken_at = r.sent_at) is not false"
        " from app.referrals r join app.referral_steps s on s.organisation_id = r.organisation_id and s.referral_id = r.id"
        " group by r.organisation_id, r.id"
    )
    begins = ["DRAFT", "CONSENT_RECORDED", "SENT"]
    assert {tuple(steps[:3]) == tuple(begins[: len(steps)]) for steps, _, _ in histories} == {True}
    assert {(is_past, is_dated) for _, is_past, is_dated in histories} == {(True, True)}


def test_a_referred_case_is_open_and_older_than_its_referral(demo: Demo) -> None:
    cases = demo.rows(
        "select c.status, c.opened_on < r.created_at::date from app.referrals r join app.cases c on c.id = r.case_id"
    )
    assert {status for status, _ in cases} <= {"ACTIVE", "FOLLOW_UP"}
    assert {is_older for _, is_older in cases} == {True}


def test_receivers_reported_hearings(demo: Demo) -> None:
    [(past, coming)] = demo.rows(
        "select count(*) filter (where held_on < %s), count(*) filter (where held_on > %s) from app.referral_hearings",
        demo.day,
        demo.day,
    )
    assert past > 0
    assert coming > 0


def test_groups_have_the_size_of_their_policy(demo: Demo) -> None:
    groups = demo.rows(
        "select g.policy, count(*) from app.self_help_groups g join app.group_members m on m.group_id = g.id group by g.id, g.policy"
    )
    assert len(groups) == 21
    assert all(10 <= size <= 20 for policy, size in groups if policy == "NORMAL")
    assert all(5 <= size <= 9 for policy, size in groups if policy == "SPECIAL")


def test_no_group_lends_what_it_does_not_have(demo: Demo) -> None:
    balances = demo.rows(
        "select min(cash), bool_or(lent > 0) from (select group_id,"
        " sum(case kind when 'LOAN_OUT' then -amount_paise else amount_paise end) over book as cash,"
        " sum(amount_paise) filter (where kind = 'LOAN_OUT') over book as lent from app.group_entries"
        " window book as (partition by group_id order by entered_on)) b group by group_id"
    )
    assert len(balances) == 21
    assert all(least >= 0 and has_lent for least, has_lent in balances)


def test_the_trail_of_every_organisation_holds(demo: Demo) -> None:
    with psycopg.connect(demo.url, row_factory=dict_row) as connection:
        heads = {
            row["organisation_id"]: row
            for row in connection.execute("select organisation_id, number, hash from trail.heads")
        }
        broken = [
            first_broken(
                connection.execute(
                    "select * from trail.events where organisation_id = %s order by number", (organisation,)
                ),
                head,
            )
            for organisation, head in heads.items()
        ]
    assert len(heads) >= 12
    assert set(broken) == {None}


def test_every_case_was_opened_by_its_manager_on_the_trail(demo: Demo) -> None:
    [(opened, managers)] = demo.rows(
        "select count(*), count(distinct actor) from trail.events where action = 'case.opened' and login like %s",
        "%\\_case\\_manager",
    )
    assert (opened, managers) == (164, 7)


def test_no_session_of_the_loader_is_left_open(demo: Demo) -> None:
    assert demo.rows("select count(*) from sec.sessions where revoked_at is null") == [(0,)]


def test_row_security_is_forced_again(demo: Demo) -> None:
    unforced = demo.rows(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'app'::regnamespace and not relforcerowsecurity"
    )
    assert unforced == []


def test_progress_only_grows_and_ends_at_the_whole(demo: Demo) -> None:
    shares = [share for _, share in demo.said]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert shares[-2] < 1.0


def test_a_loaded_database_says_so_and_is_not_loaded_again(demo: Demo) -> None:
    assert load_state(demo.url) is LoadState.LOADED
    with pytest.raises(NotEmpty):
        asyncio.run(fill(demo))


def test_a_load_that_broke_off_is_recognised(databases: Databases) -> None:
    class PowerCut(Exception):
        pass

    def cut(words: str, share: float) -> None:
        raise PowerCut

    made = databases.migrated("broken")
    assert load_state(made.url) is LoadState.EMPTY
    with pytest.raises(PowerCut):
        asyncio.run(fill(made, cut))
    assert load_state(made.url) is LoadState.UNFINISHED
    with pytest.raises(NotEmpty):
        asyncio.run(fill(made))


def test_there_is_a_client_to_develop_with_under_the_same_id_in_every_demo(demo: Demo) -> None:
    assert demo.rows("select id, serves, kind from app.clients") == [(CLIENT_ID, "NETWORK", "PUBLIC")]
    assert str(CLIENT_ID) == "2ba678f3-d490-4711-968d-72ddf23ab802"
