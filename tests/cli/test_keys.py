"""`pat keys` in the demo of this checkout."""

import pytest
from tests.cli.running import Demo

pytestmark = pytest.mark.slow


def test_the_demos_keys_are_rotated_while_it_runs(own_demo: Demo) -> None:
    own_demo.start()
    checked = own_demo.pat("keys", "check")
    assert (checked.returncode, "all under current versions" in checked.stdout) == (0, True), checked.stderr
    token = own_demo.pat("token", "manager@cbo-a.example").stdout.strip()
    for command in ("signing", "organisations"):
        rotated = own_demo.pat("keys", "rotate", command)
        assert rotated.returncode == 0, rotated.stderr
    listed = own_demo.pat("keys", "list").stdout
    assert "verifies only" in listed
    assert len(token.split(".")) == 3
