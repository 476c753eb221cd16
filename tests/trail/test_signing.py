"""Who signs the heads of the trail, and what of the trail she sees."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from tests.support.people import Member
from tests.support.wall import SECRET, Connection, Wall, attempt

from pat_auth.keys import UnusableKeys
from pat_auth.policy import Role
from pat_auth.trail_keys import (
    HeadVerifier,
    SignedHead,
    keep_last_signed,
    last_signed,
    load_or_create_trail_keys,
)
from pat_platform.database.logins import JOBS
from pat_platform.settings import Settings
from pat_server import signing
from pat_server.signing import WrittenAnew, sign_heads, sign_now_and_then


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


def test_a_chain_that_does_not_hold_what_was_signed_last_is_not_signed_and_there_is_an_alarm(
    wall: Wall, manager: Member, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sign_heads(settings)
    kept = last_signed(settings.key_folder)
    wall.admin.execute("update trail.events set hash = sha256('x') where number = 2")
    wall.admin.execute("delete from trail.signatures")
    _record(wall, manager)
    with pytest.raises(WrittenAnew):
        sign_heads(settings)
    (alarm,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert "trail.written_anew" in alarm
    assert str(manager.organisation) in alarm
    assert wall.admin.execute("select from trail.signatures").fetchall() == []
    assert last_signed(settings.key_folder) == kept


def test_what_is_kept_of_a_chain_is_its_newest_event_however_often_it_is_signed(
    wall: Wall, manager: Member, settings: Settings
) -> None:
    for _ in range(3):
        _record(wall, manager)
        sign_heads(settings)
    ((number, digest),) = wall.admin.execute("select number, hash from trail.heads").fetchall()
    newest = SignedHead(manager.organisation, number, digest)
    keep_last_signed(settings.key_folder, [SignedHead(manager.organisation, number - 1, b"older")])
    keep_last_signed(settings.key_folder, [SignedHead(manager.organisation, number, b"another")])
    assert last_signed(settings.key_folder) == {manager.organisation: newest}


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"x": 1}', '{"00000000-0000-0000-0000-000000000000": [1, "x"]}']
)
def test_a_file_that_holds_something_else_is_not_taken_for_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "trail-signed.json").write_text(content)
    (tmp_path / "trail-signed.json").chmod(0o600)
    with pytest.raises(UnusableKeys):
        last_signed(tmp_path)


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
    troubles: list[Exception] = [
        psycopg.OperationalError("gone"),
        ZeroDivisionError(),
        WrittenAnew([uuid4()]),
    ]

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
