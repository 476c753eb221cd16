"""Who signs the heads of the trail, and what of the trail she sees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.people import Member
from tests.support.wall import SECRET, Connection, Wall, attempt

from pat_auth.policy import Role
from pat_auth.trail_keys import HeadVerifier, SignedHead, load_or_create_trail_keys
from pat_platform.database.logins import JOBS
from pat_platform.settings import Settings
from pat_server import signing
from pat_server.signing import sign_heads, sign_now_and_then


@pytest.fixture
def manager(wall: Wall) -> Iterator[Member]:
    """Somebody whose organisation's chain has two events."""
    member = wall.member("cbo-a", Role.CASE_MANAGER)
    for _ in range(2):
        _record(wall, member)
    yield member
    wall.admin.execute("delete from trail.events; delete from trail.heads; delete from trail.signatures")


@pytest.fixture
def jobs(wall: Wall) -> Iterator[Connection]:
    with wall.connect_service(JOBS) as connection:
        yield connection


@pytest.fixture
def settings(wall: Wall, jobs: Connection, tmp_path: Path) -> Settings:
    assert jobs
    return Settings(database_url=wall.url, secret=SECRET, demo=True, key_folder=tmp_path)


def _record(wall: Wall, member: Member) -> None:
    with wall.acting(member, commit=True) as connection:
        connection.execute("select trail.record('case.opened', '{}', '{}')")


def test_each_head_is_signed_once(wall: Wall, manager: Member, settings: Settings) -> None:
    assert [sign_heads(settings), sign_heads(settings)] == [1, 0]
    _record(wall, manager)
    assert sign_heads(settings) == 1
    verifier = HeadVerifier(load_or_create_trail_keys(settings.key_folder).public_set())
    rows = wall.admin.execute(
        "select number, hash, signature from trail.signatures order by number"
    ).fetchall()
    assert [number for number, _, _ in rows] == [2, 3]
    for number, digest, signature in rows:
        assert verifier.read(signature) == SignedHead(manager.organisation, number, digest)
    events = wall.admin.execute("select hash from trail.events where number > 1 order by number").fetchall()
    assert [digest for (digest,) in events] == [digest for _, digest, _ in rows]


def test_a_signature_that_is_there_is_not_replaced(
    wall: Wall, manager: Member, settings: Settings, jobs: Connection
) -> None:
    sign_heads(settings)
    before = wall.admin.execute("select * from trail.signatures").fetchall()
    jobs.execute("select trail.keep_signature(%s, 2, sha256('x'), 'another')", (manager.organisation,))
    assert wall.admin.execute("select * from trail.signatures").fetchall() == before


@pytest.mark.usefixtures("manager")
def test_who_signs_sees_heads_and_no_event(jobs: Connection) -> None:
    assert [len(row) for row in attempt(jobs, "select * from trail.unsigned_heads()")] == [3]
    for table in ("trail.events", "trail.heads", "trail.signatures", "app.cases"):
        assert attempt(jobs, f"select 1 from {table}") == "42501"
    assert attempt(jobs, "select trail.record('x', '{}', '{}')") == "42501"


@pytest.mark.usefixtures("manager")
def test_signing_goes_on_whatever_happens(
    wall: Wall, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    troubles: list[Exception] = [psycopg.OperationalError("gone"), ZeroDivisionError()]

    def once_more(given: Settings) -> Any:
        if troubles:
            raise troubles.pop()
        return sign_heads(given)

    monkeypatch.setattr(signing, "sign_heads", once_more)

    async def until_signed() -> None:
        going_on = asyncio.create_task(sign_now_and_then(replace(settings), every_seconds=0.01))
        for _ in range(500):
            await asyncio.sleep(0.02)
            if wall.admin.execute("select 1 from trail.signatures").fetchone():
                break
        going_on.cancel()

    asyncio.run(until_signed())
    assert wall.admin.execute("select count(*) from trail.signatures").fetchone() == (1,)
    assert not troubles
