"""The multiplied network."""

import asyncio

import pytest
from tests.demo.conftest import Databases, Demo

from pat_server.demo import names
from pat_server.demo.people import PEOPLE
from pat_server.demo.scale import COPIED, NotLoaded, scale

FACTOR = 3


@pytest.fixture(scope="module")
def large(demo: Demo, databases: Databases) -> Demo:
    """The demo network three times as large."""
    made = databases.copied(demo, "large")
    asyncio.run(scale(made.url, made.vault, FACTOR, lambda words, share: made.said.append((words, share))))
    return made


@pytest.mark.parametrize("table", COPIED)
def test_every_copied_table_is_so_many_times_as_large(demo: Demo, large: Demo, table: str) -> None:
    assert demo.count(table) > 0
    assert large.count(table) == FACTOR * demo.count(table)


def test_people_and_referrals_stay_as_they_are(demo: Demo, large: Demo) -> None:
    assert large.count("memberships") == len(PEOPLE)
    assert large.count("referrals") == demo.count("referrals")


def test_every_copied_case_has_one_social_worker(large: Demo) -> None:
    workers = large.rows(
        "select a.case_id, count(*) from app.case_assignments a"
        " join app.memberships m on m.id = a.membership_id and m.role = 'social_worker' group by 1"
    )
    assert len(workers) == FACTOR * 164
    assert {count for _, count in workers} == {1}


async def test_copied_identities_open_with_keys_of_their_own(large: Demo) -> None:
    rows = large.rows(
        "select s.organisation_id, s.survivor_id, k.wrapped, s.second_name, s.phone_index from app.survivor_identities s"
        " join app.survivor_keys k using (organisation_id, survivor_id)"
    )
    opened = [
        (await large.vault.unseal(organisation, [sealed(survivor, wrapped, name)]))[0]
        for organisation, survivor, wrapped, name, _ in rows
    ]
    assert set(opened) <= set(names.SURVIVOR_SECOND)
    assert len({wrapped for _, _, wrapped, _, _ in rows}) == len(rows)
    assert len({index for *_, index in rows}) == len(rows)


def sealed(survivor: object, wrapped: bytes, name: bytes) -> list[object]:
    return [
        *("survivor_identities", "second_name", str(survivor), None),
        *(wrapped.hex(), name.hex()),
    ]


def test_row_security_is_forced_again(large: Demo) -> None:
    unforced = large.rows(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'app'::regnamespace and not relforcerowsecurity"
    )
    assert unforced == []


async def test_an_empty_database_is_not_multiplied(databases: Databases) -> None:
    empty = await asyncio.to_thread(databases.migrated, "nothing")
    with pytest.raises(NotLoaded):
        await scale(empty.url, empty.vault, FACTOR)


async def test_a_network_cannot_be_made_smaller(demo: Demo) -> None:
    with pytest.raises(ValueError, match="0"):
        await scale(demo.url, demo.vault, 0)
