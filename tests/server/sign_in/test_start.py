"""A server that nobody signs in to starts as quickly as one that cannot."""

import subprocess
import sys

HEAVY = ("authlib", "argon2", "jinja2", "babel", "psycopg_pool", "pyotp", "segno")
LOADED = "import sys, pat_server.app, pat_server.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"


def test_what_signing_in_needs_is_not_loaded_before_somebody_does() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)

    assert set(done.stdout.split()).isdisjoint(HEAVY)
