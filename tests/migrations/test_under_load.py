"""A migration while the release before serves: requests wait for a moment, and each gets its answer."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest
from tests.server.conftest import SECRET, Network, serving

from pat_platform.database.logins import login_name, login_password
from pat_server import migrate as migrating
from pat_server.migrate import migrate

CLIENTS = 6
READS = (
    "{ cases(first: 20) { totalCount edges { node { id code status survivor { identity { __typename } } } } } }",
    "{ selfHelpGroups { totalCount edges { node { name memberCount savingsTotal } } } referrals(direction: SENT) { totalCount } }",
    "{ me { name organisation { name } } hearings: cases(first: 5) { edges { node { legalProceedings { hearings { heldOn } } } } } }",
)
WRITE = """
mutation ($id: ID!) { addCaseNote(input: {caseId: $id, kind: HOME_VISIT, text: "She is well."}) {
  __typename ... on CaseNote { id body { __typename } } } }
"""

# One of each kind of change that is safe while the release before runs.
NEXT = """
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("set local role pat_owner")
    op.execute("alter table app.cases add column remark text")
    op.execute("alter table app.cases add constraint ck_cases_remark check (length(remark) < 1000)")
    op.execute("create index ix_cases_remark on app.cases (organisation_id, remark)")
    op.execute("reset role")
"""


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Migrations of a release to come. Its newest revision."""
    before = migrating.newest_revision()
    folder = tmp_path / "migrations"
    shutil.copytree(migrating.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    revision = "2099_01_01_01"
    text = NEXT.format(revision=revision, before=before)
    (folder / "versions" / f"{revision}_remark.py").write_text(text)
    monkeypatch.setattr(migrating, "MIGRATIONS", folder)
    return revision


class Crowd:
    """People who read and write without a pause; what they were answered."""

    def __init__(self, network: Network, url: str) -> None:
        self._network = network
        self._url = url
        self._stop = threading.Event()
        self.answers: Counter[str] = Counter()
        self.strange: list[str] = []
        self.slowest = 0.0
        self.counts: set[int] = set()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(CLIENTS)]

    def __enter__(self) -> Crowd:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        network = self._network
        token = network.token(network.principal("manager@cbo-a.example"))
        headers = {"authorization": f"Bearer {token}"}
        with httpx.Client(base_url=self._url, headers=headers, timeout=60) as client:
            case = client.post("/graphql", json={"query": READS[0]}).json()["data"]["cases"]["edges"][0][
                "node"
            ]["id"]
            while not self._stop.is_set():
                query = WRITE if number % 3 == 0 else random.choice(READS)
                begin = time.monotonic()
                answer = client.post(
                    "/graphql", json={"query": query, "variables": {"id": case} if query is WRITE else {}}
                )
                self.slowest = max(self.slowest, time.monotonic() - begin)
                self._note(answer, "write" if query is WRITE else "read")

    def _note(self, answer: httpx.Response, kind: str) -> None:
        told = answer.json()
        if "errors" in told or '"Refusal"' in answer.text:
            self.strange.append(answer.text)
            return
        self.answers[kind] += 1
        found = told["data"].get("cases", {}).get("totalCount")
        if found is not None:
            self.counts.add(found)


class Watcher:
    """A case manager of another organisation, with statements of her own, as fast as she can send them."""

    def __init__(self, network: Network) -> None:
        principal = network.principal("manager@cbo-b.example")
        login = login_name(principal.organisation, principal.role.value)
        self._session = str(principal.session)
        self._url = network.postgres.url(login, login_password(SECRET, login, 1), "network")
        self._stop = threading.Event()
        self.seen: set[object] = set()
        self.looks = 0
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("set lock_timeout = '60s'")
            connection.execute("set statement_timeout = '60s'")
            while not self._stop.is_set():
                with connection.transaction():
                    connection.execute("select sec.enter(%s)", (self._session,))
                    cursor = connection.execute(
                        "select count(distinct organisation_id), count(*) from app.cases"
                    )
                    self.seen.add(cursor.fetchone())
                self.looks += 1


@pytest.mark.slow
def test_everybody_is_answered_while_the_database_goes_on_to_the_next_release(
    network: Network, next_release: str
) -> None:
    settings = replace(network.settings, budget_organisation=0, budget_client=0, budget_person=0)
    with serving(settings) as url, Crowd(network, url) as crowd, Watcher(network) as watcher:
        _until(lambda: crowd.answers["read"] > 20 and crowd.answers["write"] > 5)
        migrate(network.admin_url, SECRET)
        after = crowd.answers.copy()
        _until(
            lambda: crowd.answers["read"] > after["read"] + 20 and crowd.answers["write"] > after["write"] + 5
        )
        migrate(network.admin_url, SECRET)
        assert network.rows("select version_num from migrations.versions") == [(next_release,)]
        assert httpx.get(f"{url}/readyz", timeout=30).status_code == 200
    assert crowd.strange == []
    # No moment without policies: nobody ever saw a row more, or a row less.
    assert watcher.seen == {(1, network.loaded["cbo-b"])}
    assert watcher.looks > 20
    assert len(crowd.counts) == 1
    # A request waits at most as long as its own lock_timeout allows, or it would have failed.
    assert crowd.slowest < network.settings.lock_timeout_ms / 1000 + 5


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
