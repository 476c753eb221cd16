"""The running demo can be backed up and looked at like any other deployment."""

import json
import stat
from pathlib import Path

from tests.cli.running import Demo

from pat_server.backups.archive import is_archive


def test_the_running_demo_is_backed_up(demo: Demo, tmp_path: Path) -> None:
    file = tmp_path / "demo.dump"
    done = demo.pat("backup", str(file))
    assert done.returncode == 0, done.stderr
    assert is_archive(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert f"the demo's secret: {demo.home / 'secret'}" in done.stdout


def test_the_doctor_finds_nothing_wrong_with_the_running_demo(demo: Demo) -> None:
    done = demo.pat("doctor", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["problem"]) == (0, 0), done.stdout
    assert "backups" not in {each["subject"] for each in found["findings"]}
