"""What README.md tells people to paste does what it says."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.cli.running import PAT, Demo, environment, free_port
from tests.docs.reading import ROOT, blocks

from pat_platform.postgres import EmbeddedPostgres

pytestmark = pytest.mark.slow

# The start script would look after the environment in which these tests run.
SHORT_CUT = f'python3() {{ if [ "$1" = pat ]; then shift; "{PAT}" "$@"; else command python3 "$@"; fi; }}\n'


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo."""
    running = Demo(tmp_path_factory.mktemp("readme") / "home")
    running.start()
    yield running
    running.erase()


def paste(script: str, folder: Path, **variables: str) -> str:
    """Run lines as a person's shell does, stopping at the first that fails; return what they printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", SHORT_CUT + script],
        env=environment(folder, **variables),
        cwd=folder.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answers(printed: str) -> Iterator[dict[str, Any]]:
    """The data of the JSON answers that were printed one after another."""
    decoder = json.JSONDecoder()
    while printed := printed.strip():
        answer, end = decoder.raw_decode(printed)
        assert "errors" not in answer, answer
        yield answer["data"]
        printed = printed[end:]


def test_the_three_things_to_ask_are_answered(demo: Demo) -> None:
    pasted = "\n".join(
        block for block in blocks(ROOT / "README.md", "bash") if "GRAPHQL" in block or "ask()" in block
    )
    printed = paste(pasted.replace("http://127.0.0.1:8000", demo.url), demo.home)
    manager, worker, note = answers(printed)
    assert manager["cases"]["totalCount"] == 34
    assert any(edge["node"]["legalProceedings"] for edge in manager["cases"]["edges"])
    assert manager["selfHelpGroups"]["edges"]
    states = [edge["node"]["partnerState"] for edge in manager["referrals"]["edges"]]
    assert states.count("Goa") == 3
    assert kinds_of_identity(worker["mine"]) == {"SurvivorIdentity"}
    assert kinds_of_identity(worker["others"]) == {"Withheld"}
    assert note["addCaseNote"]["body"] == {
        "__typename": "NoteText",
        "text": "She wants to go back to school.",
    }


def kinds_of_identity(page: dict[str, Any]) -> set[str]:
    """Which types the identities of a page of cases have."""
    return {edge["node"]["survivor"]["identity"]["__typename"] for edge in page["edges"]}


def test_a_server_on_your_own_postgresql_comes_up(tmp_path: Path) -> None:
    [block] = [block for block in blocks(ROOT / "README.md", "bash") if "DATABASE_URL" in block]
    *lines, serve = block.strip().splitlines()
    assert lines[0].startswith("export DATABASE_URL=")
    assert serve == "python3 pat serve --port 8000"
    home = tmp_path / "home"
    with EmbeddedPostgres(tmp_path / "postgres") as postgres:
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            connection.execute("create database pat")
        url = postgres.url(database="pat")
        printed = paste("\n".join(lines[1:]), home, DATABASE_URL=url)
        assert "cbo-a is organisation" in printed
        [invitation] = re.findall(r"http://127\.0\.0\.1:8000(/\S+)", printed)
        told = {"PAT_SECRET_FILE": str(tmp_path / "pat.secret"), "PAT_KEY_PROVIDER": "file"}
        check_server(home, invitation, DATABASE_URL=url, PAT_KEY_FOLDER=str(tmp_path / "pat-keys"), **told)
    postgres.erase()


def check_server(home: Path, invitation: str, **variables: str) -> None:
    """Serve: it becomes ready, lets nobody in but whoever was invited, and ends when it is told to."""
    port = free_port()
    command = [str(PAT), "serve", "--port", str(port)]
    server = subprocess.Popen(command, env=environment(home, **variables), stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            wait_until_ready(client)
            refused = client.post("/graphql", json={"query": "{ me { name } }"})
            invited = client.get(invitation, follow_redirects=True)
    finally:
        server.terminate()
        server.wait(timeout=30)
    assert refused.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert (invited.status_code, "Doyel Nirman Samity" in invited.text) == (200, True), invited.text


def wait_until_ready(client: httpx.Client) -> None:
    """Ask until the server says that queries will work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.1)
    raise AssertionError("never ready")
