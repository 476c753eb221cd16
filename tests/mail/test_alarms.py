"""Case managers are called by mail when a survivor was made to sign in; whoever reads the mail learns nothing of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import pytest
from tests.isolation.test_alerts import put_alert
from tests.mail.server import MailServer
from tests.mail.test_sending import access, connections, settings, smtp
from tests.support.wall import Wall

from pat_auth.mails.letters import MailLanguage, alarm_to
from pat_auth.policy import Role
from pat_platform.database.threads import Connections
from pat_platform.settings import Settings
from pat_server.assembly import Parts
from pat_server.mailing import send_what_is_due

__all__ = ["connections", "settings", "smtp"]


@pytest.fixture
def alert(wall: Wall) -> Iterator[UUID]:
    wall.admin.execute("update app.alerts set told_at = now()")
    alert = put_alert(wall)
    yield alert
    wall.admin.execute("delete from app.alerts where id = %s", (alert,))


async def test_a_manager_is_called_and_nobody_reads_why(
    wall: Wall, connections: Connections, settings: Settings, smtp: MailServer, alert: UUID
) -> None:
    chosen = replace(settings, mail=access(smtp))
    parts = cast("Parts", SimpleNamespace(settings=chosen, issuer=SimpleNamespace(connections=connections)))
    task = asyncio.create_task(send_what_is_due(parts, every_seconds=0.02))
    try:
        async with asyncio.timeout(20):
            while not smtp.letters and not task.done():
                await asyncio.to_thread(time.sleep, 0.05)
            await asyncio.to_thread(time.sleep, 0.2)
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (letter,) = smtp.letters
    manager, survivor = (wall.member("cbo-a", role).person for role in (Role.CASE_MANAGER, Role.SURVIVOR))
    ((email,),) = wall.admin.execute("select email from sec.people where id = %s", (manager,)).fetchall()
    assert letter["to"] == email
    expected = alarm_to(email, MailLanguage.EN)
    assert letter["subject"] == expected.subject
    assert letter.get_content().split() == expected.text.split()
    whole = letter.as_string().lower()
    for told in (str(alert), str(survivor), "cbo", "alert", "pin", "duress", "danger", "http"):
        assert told not in whole.replace(email, "").replace("pat@example.org", ""), told


@pytest.mark.parametrize("language", MailLanguage)
def test_in_every_language_it_says_the_same_little(language: MailLanguage) -> None:
    letter = alarm_to("a@b.example", language)
    assert letter.text.count("\n\n") == 1
    assert len(letter.text) < 200
    assert "http" not in letter.text


@pytest.mark.parametrize(("tag", "language"), [("bn", "BN"), ("hi", "HI"), ("en", "EN"), ("fr", "EN")])
def test_a_language_is_known_by_its_tag(tag: str, language: str) -> None:
    assert MailLanguage.of(tag) is MailLanguage(language)
