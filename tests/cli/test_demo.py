"""`pat demo`: ready when it says so, one at a time, and nothing is lost however it ends."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.cli.running import PAT, Demo, environment, free_port, run_pat

from pat_platform.postgres_pid import PidFile, command_line
from pat_server.demo.credentials import demo_password

pytestmark = pytest.mark.slow

LOADING = "loading the demo network"
CASES = "{ me { name role organisation { name } } cases { totalCount } }"


def ask(demo: Demo, token: str, query: str = CASES) -> Any:
    """The data of the answer to a query."""
    request = urllib.request.Request(
        f"{demo.url}/graphql",
        json.dumps({"query": query}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def token_of(demo: Demo, email: str = "manager@cbo-a.example") -> str:
    done = demo.pat("token", email)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def server_of(demo: Demo) -> int | None:
    """The process of the demo's PostgreSQL."""
    return PidFile(demo.home / "postgres" / "data").running()


def is_gone(pid: int) -> bool:
    """Whether the process ends soon."""
    deadline = time.monotonic() + 10
    while command_line(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not command_line(pid)


def test_it_prints_where_it_is_and_who_signs_in(loaded: Demo) -> None:
    lines = loaded.said().splitlines()
    assert lines[0] == f"The demo network is ready: {loaded.url}/graphql"
    assert lines[2].split() == ["SIGN-IN", "WHO", "ORGANISATION"]
    assert any(line.startswith("manager@cbo-a.example ") and "case manager" in line for line in lines)
    assert "python3 pat token manager@cbo-a.example" in loaded.said()


def test_it_prints_what_people_sign_in_with(loaded: Demo, demo: Demo) -> None:
    said = re.search(r"password ([a-z2-7]{4}(?:-[a-z2-7]{4}){3}), and", loaded.said())
    assert said
    assert said[1] == demo_password((demo.home / "secret").read_bytes())
    done = demo.pat("person", "code", " Manager@CBO-A.example ")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[0-9]{6}\n", done.stdout)


def test_nobody_has_a_code_who_needs_none_or_was_not_invented(demo: Demo) -> None:
    done = demo.pat("person", "code", "survivor1@cbo-a.example")
    assert (done.returncode, done.stdout) == (1, "")
    assert "signs in with the password alone" in done.stderr
    done = demo.pat("person", "code", "nobody@cbo-a.example")
    assert (done.returncode, done.stdout) == (1, "")
    assert "has invented nobody" in done.stderr


def test_an_invitation_in_the_demo_leads_to_the_demo(demo: Demo) -> None:
    done = demo.pat(
        *("person", "invite", "new@cbo-a.example", "--organisation", "cbo-a"),
        *("--role", "counsellor", "--name", "New"),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{demo.url}/invitation?token=")


def test_progress_is_a_few_plain_lines_where_nobody_watches(loaded: Demo) -> None:
    lines = loaded.errors().splitlines()
    assert lines[0] == "pat: starting PostgreSQL …"
    assert lines[-1] == "pat: stopped."
    assert len(lines) < 10
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_it_is_ready_when_it_says_so(demo: Demo) -> None:
    with urllib.request.urlopen(f"{demo.url}/readyz") as response:
        assert response.status == 200


def test_a_token_is_the_only_line_on_stdout_and_opens_what_the_person_may_see(demo: Demo) -> None:
    done = demo.pat("token", " Manager@CBO-A.example ")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    data = ask(demo, done.stdout.strip())["data"]
    assert data["me"]["role"] == "CASE_MANAGER"
    assert data["cases"]["totalCount"] == 34
    assert ask(demo, token_of(demo, "manager@cbo-b.example"))["data"]["cases"]["totalCount"] == 28


def test_what_a_query_by_get_asks_for_is_written_nowhere(demo: Demo) -> None:
    for asked in ('{ cases(filter: {code: "SOUGHT"}) { totalCount } }', '{ cases(filter: "SOUGHT") }'):
        request = urllib.request.Request(
            f"{demo.url}/graphql?{urllib.parse.urlencode({'query': asked, 'variables': '{}'})}",
            headers={"Authorization": f"Bearer {token_of(demo)}"},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            assert response.status == 200
    written = [demo.said(), demo.errors(), *(log.read_text() for log in demo.home.rglob("*.log"))]
    assert "SOUGHT" not in "".join(written)


def test_an_unknown_person_gets_no_token_but_the_nearest_sign_ins(demo: Demo) -> None:
    done = demo.pat("token", "manger@cbo-a.example")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Nobody signs in as manger@cbo-a.example. Did you mean manager@cbo-a.example" in done.stderr


def test_a_token_outlives_no_more_than_twelve_hours(demo: Demo) -> None:
    assert demo.pat("token", "manager@cbo-a.example", "--minutes", "721").returncode == 2


def test_the_trail_of_the_running_demo_is_intact(demo: Demo) -> None:
    done = demo.pat("audit", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert "events: intact;" in done.stdout


def test_the_organisations_of_the_running_demo_are_listed(demo: Demo) -> None:
    done = demo.pat("organisation", "list")
    assert done.stdout.splitlines()[1].split()[:2] == ["cbo-a", "CBO"]


def test_a_second_start_in_the_same_checkout_is_refused_and_changes_nothing(demo: Demo) -> None:
    for extra in ([], ["--fresh"]):
        done = demo.pat("demo", *extra)
        assert (done.returncode, done.stdout) == (1, "")
        assert (
            f"already runs on {demo.url} (process {demo.process.pid if demo.process else 0})" in done.stderr
        )
    assert ask(demo, token_of(demo))["data"]["cases"]["totalCount"] == 34


def test_secrets_are_for_their_owner_alone(demo: Demo) -> None:
    private = [path for path in demo.home.rglob("*") if path.is_file() and "postgres/data" not in str(path)]
    assert {path.name for path in private} >= {"secret", "runtime.json", "signing-keys.json"}
    open_to_others = [path.name for path in private if path.stat().st_mode & 0o077]
    assert set(open_to_others) <= {"lock", "runs-as"}
    assert demo.home.stat().st_mode & 0o077 == 0


def test_a_taken_port_is_told_at_once_with_the_next_free_one(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_pat(tmp_path / "home", "demo", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken by another program. Try --port " in done.stderr
    assert int(done.stderr.split("--port ")[1].rstrip(".\n")) > port
    assert not (tmp_path / "home" / "postgres").exists()


def test_ctrl_c_stops_everything_and_keeps_the_data(own_demo: Demo) -> None:
    own_demo.start()
    database = server_of(own_demo)
    assert database
    token = token_of(own_demo)
    assert own_demo.end(signal.SIGINT) == 128 + signal.SIGINT
    assert is_gone(database)
    assert own_demo.errors().endswith("pat: stopped.\n")
    assert "Traceback" not in own_demo.errors()
    assert "No demo is running" in own_demo.pat("token", "manager@cbo-a.example").stderr
    own_demo.start()
    assert LOADING not in own_demo.errors()
    # The session is in the database, and the key that signed the token is in the folder.
    assert ask(own_demo, token)["data"]["cases"]["totalCount"] == 34


def test_a_killed_demo_takes_its_database_along_and_the_next_start_finds_everything(own_demo: Demo) -> None:
    own_demo.start()
    database = server_of(own_demo)
    assert database
    token = token_of(own_demo)
    own_demo.end(signal.SIGKILL)
    assert is_gone(database)
    assert "No demo is running" in own_demo.pat("token", "manager@cbo-a.example").stderr
    own_demo.start()
    assert LOADING not in own_demo.errors()
    assert ask(own_demo, token)["data"]["cases"]["totalCount"] == 34


def test_a_database_that_dies_ends_the_demo_with_a_sentence(own_demo: Demo) -> None:
    own_demo.start()
    database = server_of(own_demo)
    assert database
    os.kill(database, signal.SIGKILL)
    assert own_demo.process
    assert own_demo.process.wait(timeout=30) == 1
    assert "PostgreSQL has ended unexpectedly" in own_demo.errors()
    assert "Traceback" not in own_demo.errors()


def test_another_scale_needs_a_fresh_start(own_demo: Demo) -> None:
    process = own_demo.launch("--scale", "3")
    assert process.wait(timeout=60) == 1
    assert "loaded with --scale 1. Add --fresh" in own_demo.errors()


def test_a_load_that_was_killed_is_begun_anew(tmp_path: Path) -> None:
    demo = Demo(tmp_path / "home")
    try:
        process = demo.launch()
        demo.wait_until(lambda: LOADING in demo.errors())
        time.sleep(2)
        process.kill()
        process.wait()
        demo.start("--scale", "1")
        assert ask(demo, token_of(demo))["data"]["cases"]["totalCount"] == 34
        assert demo.pat("audit", "verify").returncode == 0
    finally:
        demo.erase()


@pytest.mark.parametrize("moment", [0.3, 3.0])
def test_ctrl_c_while_it_loads_ends_it_at_once(tmp_path: Path, moment: float) -> None:
    demo = Demo(tmp_path / "home")
    try:
        demo.launch()
        demo.wait_until(lambda: LOADING in demo.errors())
        time.sleep(moment)
        assert demo.end(signal.SIGINT) == 128 + signal.SIGINT
        assert "Traceback" not in demo.errors()
        assert server_of(demo) is None
    finally:
        demo.erase()


def test_fresh_removes_the_data_and_loads_the_network_on_another_scale(own_demo: Demo) -> None:
    before = (own_demo.home / "secret").read_bytes()
    own_demo.start("--fresh", "--scale", "2")
    assert (own_demo.home / "secret").read_bytes() != before
    assert ask(own_demo, token_of(own_demo))["data"]["cases"]["totalCount"] == 2 * 34
    own_demo.end(signal.SIGTERM)
    own_demo.start()
    assert ask(own_demo, token_of(own_demo))["data"]["cases"]["totalCount"] == 2 * 34


def test_a_disk_that_is_full_is_told_in_a_sentence(tmp_path: Path) -> None:
    # No file may grow past a megabyte: what PostgreSQL meets then is what a used-up quota is.
    done = subprocess.run(
        ["bash", "-c", f'ulimit -f 1024; exec "{PAT}" demo --port {free_port()}'],
        env=environment(tmp_path / "home"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "look at the disk quota" in done.stderr
    assert "Traceback" not in done.stderr


def test_its_keys_are_rotated_while_it_runs(own_demo: Demo) -> None:
    own_demo.start()
    token = token_of(own_demo)
    checked = own_demo.pat("keys", "check")
    assert (checked.returncode, "all under current versions" in checked.stdout) == (0, True), checked.stderr
    for what in ("signing", "organisations"):
        rotated = own_demo.pat("keys", "rotate", what)
        assert rotated.returncode == 0, rotated.stderr
    assert "verifies only" in own_demo.pat("keys", "list").stdout
    assert ask(own_demo, token)["data"]["cases"]["totalCount"]
