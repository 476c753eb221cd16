"""Many people sign in at once: whoever else asks does not wait for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from urllib.parse import urlencode

import httpx
import psycopg
import pytest
from tests.server.conftest import Act, Network
from tests.support.granting import BACK, VERIFIER, challenge_of
from tests.support.issuing import put_client
from tests.support.visiting import Read

from pat_platform.database.logins import SIGN_IN
from pat_server.sign_in import visiting
from pat_server.sign_in.threads import AT_ONCE

PEOPLE = 40


def test_while_passwords_are_looked_at_probes_and_the_api_answer_and_no_connection_is_held(
    network: Network, server: str, act_as: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    ((organisation,),) = network.rows("select id from app.organisations where slug = 'cbo-a'")
    with psycopg.connect(network.admin_url) as admin:
        client = put_client(admin, organisation, redirect_uris=(BACK,))
    question = {
        "response_type": "code",
        "client_id": str(client),
        "redirect_uri": BACK,
        "scope": "cases",
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
    }
    looking, may_go_on = Semaphore(0), Event()

    def look(*_: object, **__: object) -> None:
        looking.release()
        may_go_on.wait(30)

    def sign_in(_: int) -> int:
        with httpx.Client(base_url=server, timeout=60, follow_redirects=True) as browser:
            page = browser.get(f"/oauth/authorize?{urlencode(question)}")
            (form,) = Read(page.text).forms
            sent = form.fields | {"email": "a@b.example", "password": "anything"}
            return browser.post(form.action, data=sent, headers={"origin": server}).status_code

    monkeypatch.setattr(visiting, "prove_password", look)
    with ThreadPoolExecutor(PEOPLE) as people:
        answers = people.map(sign_in, range(PEOPLE))
        try:
            for _ in range(AT_ONCE):
                assert looking.acquire(timeout=30)
            assert httpx.get(f"{server}/readyz", timeout=5).json() == {"status": "ready"}
            manager = act_as("manager@cbo-a.example")
            assert manager.ask("{ me { role } }") == {"me": {"role": "CASE_MANAGER"}}
            held = "select count(*) from pg_stat_activity where usename = %s and state <> 'idle'"
            assert network.rows(held, SIGN_IN) == [(0,)]
        finally:
            may_go_on.set()
        assert set(answers) == {400}
