"""`pat serve`: on a database of one's own, ready as soon as there is somebody to serve."""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.cli.running import PAT, environment, free_port, run_pat

from pat_platform.postgres import EmbeddedPostgres
from pat_server.migrate import migrate

SECRET = "a deployment secret for tests only, long enough"
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What names a migrated database without organisations, and its secret in a file."""
    (tmp_path / "secret").write_text(SECRET + "\n")
    postgres = EmbeddedPostgres(tmp_path / "postgres", options=FORGETFUL)
    with postgres, psycopg.connect(postgres.url(), autocommit=True) as admin:
        admin.execute("create database own")
        url = postgres.url(database="own")
        migrate(url, SECRET.encode())
        yield {
            "DATABASE_URL": url,
            "PAT_SECRET_FILE": str(tmp_path / "secret"),
            "PAT_KEY_FOLDER": str(tmp_path / "keys"),
            "PAT_DRAIN_SECONDS": "0",
            "PAT_KEY_PROVIDER": "file",
        }
    postgres.erase()


def status(url: str) -> int | None:
    """The status that an address answers with; None if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return None


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_it_waits_for_the_first_organisation_and_stops_in_order(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    output, errors = tmp_path / "output", tmp_path / "errors"
    with (
        output.open("w") as out,
        errors.open("w") as err,
        subprocess.Popen(
            [PAT, "serve", "--port", str(port)],
            env=environment(tmp_path / "home", **variables),
            stdout=out,
            stderr=err,
        ) as process,
    ):
        try:
            wait_until(lambda: status(f"{url}/healthz") == 200)
            assert status(f"{url}/readyz") == 503
            assert "There is no organisation yet" in errors.read_text()
            added = run_pat(
                tmp_path / "home",
                *("organisation", "add", "cbo-a", "--name", "N", "--kind", "CBO", "--state", "S"),
                **variables,
            )
            assert added.returncode == 0, added.stderr
            wait_until(lambda: output.read_text() == f"Ready on {url}\n")
            assert status(f"{url}/readyz") == 200
            assert status(f"{url}/graphql?query=Grimalkinesque") == 405
            taken = run_pat(tmp_path / "home", "serve", "--port", str(port), **variables)
            assert (taken.returncode, "is taken" in taken.stderr) == (1, True)
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 128 + signal.SIGTERM
    assert errors.read_text().endswith("pat: stopped.\n")
    assert "Traceback" not in errors.read_text()
    assert "Grimalkinesque" not in errors.read_text()
