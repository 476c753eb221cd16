"""What is in the outbox is sent once, to the right address, whatever fails in between; no log tells to whom."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from smtplib import SMTPException
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from tests.mail.server import MailServer, mail_server
from tests.support.wall import SECRET, Wall

from pat_auth.mails.letters import Letter, MailLanguage, invitation_to, open_letter, seal_letter
from pat_auth.mails.outbox import letter_is_over, pause_after, take_letter
from pat_platform.database.logins import SIGN_IN
from pat_platform.database.threads import Connections
from pat_platform.settings import MailAccess, Settings
from pat_server import mailing
from pat_server.assembly import Parts, mail_key
from pat_server.mailing import send_by, send_one, send_what_is_due

KEY = bytes(32)
ADDRESS = "asha@example.org"
LETTER = Letter(ADDRESS, "আপনার আমন্ত্রণ", "নমস্কার https://pat.example.org/invitation?token=secret\n")


@pytest.fixture
def settings(wall: Wall) -> Settings:
    return Settings(database_url=wall.url, secret=SECRET)


@pytest.fixture
def connections(wall: Wall, settings: Settings) -> Iterator[Connections]:
    wall.admin.execute("delete from sec.mails")
    connections = Connections(settings, SIGN_IN, size=2)
    yield connections
    connections.close()
    wall.admin.execute("delete from sec.mails")


@pytest.fixture
def smtp() -> Iterator[MailServer]:
    with mail_server() as server:
        yield server


def put(wall: Wall, letter: Letter = LETTER, *, key: bytes = KEY, lasts: float = 60) -> UUID:
    mail = uuid4()
    wall.admin.execute(
        "insert into sec.mails (id, sealed, expires_at) values (%s, %s, %s)",
        (mail, seal_letter(key, mail, letter), datetime.now(UTC) + timedelta(seconds=lasts)),
    )
    return mail


def state(wall: Wall, mail: UUID) -> tuple[bool, bool, int]:
    """Whether it is kept, whether it was sent, and how often somebody tried."""
    row = wall.admin.execute(
        "select sealed is not null, sent_at is not null, tries from sec.mails where id = %s", (mail,)
    ).fetchone()
    assert row is not None
    return cast("tuple[bool, bool, int]", row)


def access(smtp: MailServer, **more: Any) -> MailAccess:
    return MailAccess("127.0.0.1", "pat@example.org", smtp.port, **more)


def test_a_letter_arrives_and_what_it_said_is_forgotten(
    wall: Wall, connections: Connections, smtp: MailServer, tmp_path: Path
) -> None:
    mail = put(wall)
    password = tmp_path / "password"
    password.write_text("secret\n")
    with_login = access(smtp, user="pat", password_file=password)
    assert send_one(connections, KEY, lambda *given: send_by(with_login, *given))
    (arrived,) = smtp.letters
    assert (arrived["to"], arrived["from"], arrived["subject"]) == (
        ADDRESS,
        "pat@example.org",
        LETTER.subject,
    )
    assert arrived["message-id"] == f"<{mail}@example.org>"
    assert arrived.get_content().splitlines() == LETTER.text.splitlines()
    assert len(smtp.logins) == 1
    assert state(wall, mail) == (False, True, 1)
    assert not send_one(connections, KEY, lambda *given: send_by(with_login, *given))


def test_what_fails_stays_and_is_tried_again_after_a_pause(
    wall: Wall, connections: Connections, smtp: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mail = put(wall)
    smtp.to_recipients = f"451 {ADDRESS} later"
    assert send_one(connections, KEY, lambda *given: send_by(access(smtp), *given))
    assert state(wall, mail) == (True, False, 1)
    assert not send_one(connections, KEY, lambda *given: send_by(access(smtp), *given))
    smtp.to_recipients = "250 ok"
    wall.admin.execute("update sec.mails set next_at = now()")
    assert send_one(connections, KEY, lambda *given: send_by(access(smtp), *given))
    assert state(wall, mail) == (False, True, 2)
    assert ADDRESS not in caplog.text
    assert "secret" not in caplog.text


def test_what_will_never_be_taken_is_given_up(wall: Wall, connections: Connections, smtp: MailServer) -> None:
    mail = put(wall)
    smtp.to_recipients = "550 nobody"
    assert send_one(connections, KEY, lambda *given: send_by(access(smtp), *given))
    assert state(wall, mail) == (False, False, 1)


def test_what_opens_no_more_is_given_up_and_nothing_is_sent(
    wall: Wall, connections: Connections, smtp: MailServer
) -> None:
    mail = put(wall, key=bytes([1] * 32))
    assert send_one(connections, KEY, lambda *given: send_by(access(smtp), *given))
    assert state(wall, mail) == (False, False, 1)
    assert smtp.letters == []


def test_a_link_that_opens_nothing_any_more_is_not_sent(wall: Wall, connections: Connections) -> None:
    mail = put(wall, lasts=-1)
    with connections.transaction() as connection:
        assert take_letter(connection, KEY, datetime.now(UTC)) is None
    assert state(wall, mail) == (False, False, 0)


def test_whoever_is_killed_while_sending_leaves_it_to_be_sent(wall: Wall, connections: Connections) -> None:
    mail = put(wall, lasts=600)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        send_one(connections, KEY, killed)
    assert state(wall, mail) == (True, False, 1)
    with connections.transaction() as connection:
        assert take_letter(connection, KEY, datetime.now(UTC)) is None
    with connections.transaction() as connection:
        taken = take_letter(connection, KEY, datetime.now(UTC) + pause_after(0))
        assert taken is not None
        letter_is_over(connection, taken.mail, sent_at=datetime.now(UTC))
    assert taken.letter == LETTER


def test_several_processes_send_each_letter_once(wall: Wall, connections: Connections) -> None:
    mails = {put(wall) for _ in range(20)}
    sent: list[UUID] = []

    def work() -> None:
        while send_one(connections, KEY, lambda mail, _: sent.append(mail)):
            pass

    with ThreadPoolExecutor(2) as threads:
        for future in [threads.submit(work) for _ in range(2)]:
            future.result(timeout=20)
    assert sorted(sent) == sorted(mails)


def test_pauses_grow_up_to_an_hour() -> None:
    minutes = [pause_after(tries) / timedelta(minutes=1) for tries in (0, 1, 2, 5, 100)]
    assert minutes == [2, 4, 8, 60, 60]


def test_nothing_goes_to_another_machine_without_tls(
    smtp: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailing, "_HERE", ())
    with pytest.raises(SMTPException):
        send_by(access(smtp), uuid4(), LETTER)
    assert smtp.letters == []


def test_on_the_port_for_it_tls_begins_at_once(smtp: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailing, "_SUBMISSIONS", smtp.port)
    with pytest.raises(OSError, match="SSL"):
        send_by(access(smtp), uuid4(), LETTER)


@pytest.mark.parametrize("language", MailLanguage)
def test_a_letter_names_neither_place_nor_work_in_any_language(language: MailLanguage) -> None:
    letter = invitation_to(ADDRESS, "https://pat.example.org/x", language)
    assert "https://pat.example.org/x" in letter.text
    text = f"{letter.subject} {letter.text}".lower()
    assert not any(word in text for word in ("case", "survivor", "traffick", "organisation", "পাচার", "तस्करी"))


def test_a_letter_opens_in_its_own_place_alone() -> None:
    mail = uuid4()
    sealed = seal_letter(KEY, mail, LETTER)
    assert open_letter(KEY, mail, sealed) == LETTER
    assert open_letter(KEY, uuid4(), sealed) is None
    assert ADDRESS not in repr(LETTER)
    assert json.dumps(ADDRESS).encode() not in sealed


async def send_until_sent(parts: Parts, wall: Wall, mail: UUID) -> None:
    """Let the loop run until the letter is sent."""
    task = asyncio.create_task(send_what_is_due(parts, every_seconds=0.02))
    try:
        async with asyncio.timeout(20):
            while not state(wall, mail)[1] and not task.done():
                await asyncio.to_thread(time.sleep, 0.05)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("demo", [False, True])
async def test_the_loop_prints_in_the_demo_and_sends_elsewhere(
    wall: Wall,
    connections: Connections,
    settings: Settings,
    smtp: MailServer,
    capsys: pytest.CaptureFixture[str],
    demo: bool,
) -> None:
    mail = access(smtp) if not demo else None
    chosen = replace(settings, demo=demo, mail=mail)
    parts = cast("Parts", SimpleNamespace(settings=chosen, issuer=SimpleNamespace(connections=connections)))
    id = put(wall, key=mail_key(chosen))
    await send_until_sent(parts, wall, id)
    assert (ADDRESS in capsys.readouterr().out) is demo
    assert len(smtp.letters) == (0 if demo else 1)


async def test_whatever_one_letter_does_to_us_the_next_is_sent(
    wall: Wall,
    connections: Connections,
    settings: Settings,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = replace(settings, demo=True)
    parts = cast("Parts", SimpleNamespace(settings=chosen, issuer=SimpleNamespace(connections=connections)))
    broken, whole = (put(wall, key=mail_key(chosen)) for _ in range(2))
    wall.admin.execute("update sec.mails set next_at = now() - interval '1 hour' where id = %s", (broken,))
    print_letter = mailing._print

    def send(mail: UUID, letter: Letter) -> None:
        if mail == broken:
            raise ValueError(letter.to)
        print_letter(mail, letter)

    monkeypatch.setattr(mailing, "_print", send)
    await send_until_sent(parts, wall, whole)

    assert state(wall, broken) == (True, False, 1)
    assert capsys.readouterr().out.count(ADDRESS) == 1
    assert [record.levelname for record in caplog.records if "mail.mistake" in record.getMessage()] == [
        "ERROR"
    ]


async def test_where_no_mail_is_sent_the_loop_ends(settings: Settings) -> None:
    parts = cast("Parts", SimpleNamespace(settings=settings))
    await asyncio.wait_for(send_what_is_due(parts, every_seconds=0.01), 5)
