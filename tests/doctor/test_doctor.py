"""What the doctor finds, one fault at a time; and that it finds nothing where nothing is wrong."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from tests.doctor.conftest import SECRET, Installation, Setting

from pat_server.doctor import database, machine
from pat_server.doctor import installation as packages
from pat_server.doctor.finding import Level
from pat_server.doctor.server_log import RULES


def sentences(found: list[tuple[str, str]], level: str) -> str:
    return "\n".join(sentence for each, sentence in found if each == level)


def test_an_installation_in_order_has_no_problem(installation: Installation) -> None:
    found = installation.examined()
    assert found["problem"] == 0, found
    assert {each["subject"] for each in found["findings"] if each["level"] == "warning"} <= {
        "keys",
        "disk",
        "backups",
    }
    done = installation.pat("doctor")
    assert done.exit_code == 0
    assert "The catalogue keeps every rule of the wall." in done.stdout
    assert done.stdout.splitlines()[-1].startswith("0 problems, ")


def test_it_tells_nothing_secret(installation: Installation) -> None:
    for output in (installation.pat("doctor").output, installation.pat("doctor", "--json").output):
        assert SECRET not in output
        assert installation.postgres.password not in output


def test_without_a_database_it_says_what_to_name(installation: Installation) -> None:
    done = installation.pat("doctor", DATABASE_URL="")
    assert done.exit_code == 1
    assert "DATABASE_URL is not set, and no demo is running" in done.stderr


def test_a_database_that_does_not_answer_is_one_problem_among_others(installation: Installation) -> None:
    found = installation.examined(DATABASE_URL="postgresql://postgres:hidden@127.0.0.1:1/pat")
    told = [each["sentence"] for each in found["findings"] if each["subject"] == "server"]
    assert len(told) == 1
    assert "Is PostgreSQL running there" in told[0]
    assert "hidden" not in told[0]
    assert {"installation", "backups", "disk"} <= {each["subject"] for each in found["findings"]}


# The database.


def test_a_wall_with_a_hole_is_a_problem(installation: Installation) -> None:
    installation.run("alter table app.cases no force row level security")
    try:
        assert "app.cases" in sentences(installation.said("wall"), "problem")
    finally:
        installation.run("alter table app.cases force row level security")


def test_a_default_that_was_opened_again_is_a_warning(installation: Installation) -> None:
    installation.run("grant usage on schema public to public")
    try:
        assert "The schema public is open to every role" in sentences(
            installation.said("hardening"), "warning"
        )
    finally:
        installation.run("revoke usage on schema public from public")


def test_a_user_who_may_not_judge_the_wall_is_told(installation: Installation) -> None:
    installation.run("create role clerk login password 'clerk'")
    installation.run("grant connect on database pat to clerk")
    installation.run("grant usage on schema migrations to clerk")
    installation.run("grant select on migrations.versions to clerk")
    try:
        url = installation.postgres.url("clerk", "clerk", "pat")
        assert "use a superuser" in sentences(installation.said("wall", DATABASE_URL=url), "warning")
    finally:
        installation.run("drop owned by clerk")
        installation.run("drop role clerk")


def test_a_database_without_tables_or_of_another_release_is_told_what_to_run(
    installation: Installation,
) -> None:
    assert (
        sentences(installation.said("release", DATABASE_URL=installation.postgres.url()), "problem")
        == "The database was never migrated: run `pat migrate`."
    )
    with psycopg.connect(installation.url, autocommit=True) as connection:
        ((revision,),) = connection.execute("select version_num from migrations.versions").fetchall()
        try:
            connection.execute("update migrations.versions set version_num = '2026_11_21_01'")
            assert "of an older release" in sentences(installation.said("release"), "problem")
            connection.execute("update migrations.versions set version_num = 'newer'")
            assert "by a newer release" in sentences(installation.said("release"), "warning")
        finally:
            connection.execute("update migrations.versions set version_num = %s", (revision,))


def test_a_secret_that_opens_nothing_is_a_problem(installation: Installation, tmp_path: Path) -> None:
    other = tmp_path / "secret"
    other.write_text("another deployment secret, just as long as it")
    other.chmod(0o600)
    found = installation.said("secret", PAT_SECRET_FILE=str(other))
    assert "not the one that the database was migrated with" in sentences(found, "problem")


@pytest.mark.parametrize(("size", "level"), [("180", "ok"), ("100000", "problem")])
def test_a_pool_must_fit_the_server(installation: Installation, size: str, level: str) -> None:
    assert [found[0] for found in installation.said("connections", PAT_POOL_SIZE=size)] == [level]


@pytest.mark.parametrize(("apart", "level"), [(0, "ok"), (10, "warning"), (-100, "problem")])
def test_clocks_that_are_apart_are_told(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, apart: int, level: str
) -> None:
    monkeypatch.setattr(database, "time", SimpleNamespace(time=lambda: time.time() + apart))
    with psycopg.connect(installation.url) as connection:
        assert [found.level for found in database.look_at_clock(connection)] == [level]


def test_commits_that_a_crash_may_lose_are_told(installation: Installation, setting: Setting) -> None:
    setting("synchronous_commit", "off")
    assert "a crash may lose" in sentences(installation.said("server"), "warning")


@pytest.mark.parametrize(
    ("version", "host", "ssl", "mode", "levels"),
    [
        (160004, "127.0.0.1", False, "prefer", [Level.PROBLEM]),
        (180006, "/run/postgresql", False, "prefer", [Level.OK]),
        (180006, "db.example", False, "prefer", [Level.OK, Level.PROBLEM]),
        (180006, "db.example", False, "disable", [Level.OK, Level.WARNING]),
        (180006, "db.example", True, "require", [Level.OK, Level.WARNING]),
        (180006, "db.example", True, "verify-full", [Level.OK]),
    ],
)
def test_the_way_to_the_server_and_its_version(
    monkeypatch: pytest.MonkeyPatch, version: int, host: str, ssl: bool, mode: str, levels: list[Level]
) -> None:
    info = SimpleNamespace(server_version=version, host=host, get_parameters=lambda: {"sslmode": mode})
    connection = SimpleNamespace(info=info, pgconn=SimpleNamespace(ssl_in_use=ssl))
    monkeypatch.setattr(database, "_one", lambda *_: "on")
    assert [found.level for found in database.look_at_server(connection)] == levels  # type: ignore[arg-type]


# The server's log.

UNSAFE = {
    "log_statement": "all",
    "log_parameter_max_length": "-1",
    "log_parameter_max_length_on_error": "100",
    "log_min_error_statement": "error",
    "log_min_messages": "warning",
    "log_error_verbosity": "default",
    "log_min_duration_statement": "500",
    "log_min_duration_sample": "500",
    "log_transaction_sample_rate": "0.5",
    "debug_print_parse": "on",
    "debug_print_rewritten": "on",
    "debug_print_plan": "on",
    "auto_explain.log_min_duration": "0",
    "pgaudit.log_parameter": "on",
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.setting)
def test_a_setting_that_logs_values_is_told_with_its_cure(rule: object) -> None:
    from pat_server.doctor.server_log import Rule, look_at_server_log

    assert isinstance(rule, Rule)
    told = {**{each.setting: each.value for each in RULES}, rule.setting: UNSAFE[rule.setting]}

    class Server:
        """Answers what settings are."""

        def execute(self, query: str, parameters: tuple[object]) -> Server:
            (self.asked,) = parameters
            return self

        def fetchone(self) -> tuple[str]:
            return (told[str(self.asked)],)

        def fetchall(self) -> list[tuple[str]]:
            return []

    (finding,) = look_at_server_log(Server())  # type: ignore[arg-type]
    assert finding.level is rule.level
    assert f"`alter system set {rule.setting} = '{rule.value}'`" in finding.sentence


def test_a_log_that_holds_nothing_is_in_order_and_an_exception_is_told(
    installation: Installation, setting: Setting
) -> None:
    assert [found[0] for found in installation.said("server log")] == ["ok"]
    setting("log_statement", "all")
    found = installation.said("server log")
    assert "would hold every statement" in sentences(found, "problem")
    assert "log_statement is set for a role or database" in sentences(found, "warning")


# What lies on the machine.


@pytest.fixture
def folder(installation: Installation, tmp_path: Path) -> Path:
    """A copy of the installation's files, to spoil."""
    for name in ("keys", "backups"):
        shutil.copytree(installation.folder / name, tmp_path / name)
    shutil.copy(installation.folder / "secret", tmp_path / "secret")
    return tmp_path


def pointing(folder: Path) -> dict[str, str]:
    return {
        "PAT_KEY_FOLDER": str(folder / "keys"),
        "PAT_BACKUP_FOLDER": str(folder / "backups"),
        "PAT_SECRET_FILE": str(folder / "secret"),
    }


def test_files_of_keys_that_others_may_read_are_a_problem(installation: Installation, folder: Path) -> None:
    (folder / "keys" / "loose.json").write_text("{}")
    (folder / "keys" / "loose.json").chmod(0o644)
    (folder / "keys").chmod(0o777)
    (folder / "secret").chmod(0o640)
    told = sentences(installation.said("keys", **pointing(folder)), "problem")
    assert "loose.json is open to others" in told
    assert f"{folder / 'keys'} is open to others" in told
    assert "PAT_SECRET_FILE names is open to others" in told


def test_signing_keys_grow_old(installation: Installation, folder: Path) -> None:
    file = folder / "keys" / "signing-keys.json"
    file.unlink(missing_ok=True)
    assert "holds no signing keys" in sentences(installation.said("keys", **pointing(folder)), "warning")
    file.write_text("{}")
    file.chmod(0o600)
    os.utime(file, (time.time() - 100 * machine.DAY,) * 2)
    assert "The signing keys are 100 days old" in sentences(
        installation.said("keys", **pointing(folder)), "warning"
    )


def test_a_provider_that_nobody_chose_is_a_problem(installation: Installation) -> None:
    assert "PAT_KEY_PROVIDER is not set" in sentences(
        installation.said("keys", PAT_KEY_PROVIDER=""), "problem"
    )


@pytest.mark.parametrize(
    ("hours", "level", "said"),
    [(1, "ok", "1 hours old"), (48, "warning", "one a day"), (24 * 9, "problem", "find out why")],
)
def test_the_newest_backup_tells_the_age(
    installation: Installation, folder: Path, hours: int, level: str, said: str
) -> None:
    file = folder / "backups" / "monday.dump"
    os.utime(file, (time.time() - hours * 3600,) * 2)
    shutil.copy2(file, file.with_name("older.dump"))
    os.utime(file.with_name("older.dump"), (time.time() - hours * 3600 - 50_000,) * 2)
    (folder / "backups" / "notes.txt").write_text("newest, and no backup")
    found = installation.said("backups", **pointing(folder))
    assert [each[0] for each in found] == [level]
    assert said in found[0][1]
    assert "monday.dump" in found[0][1]


def test_backups_that_are_missing_exposed_or_beside_the_keys(
    installation: Installation, folder: Path
) -> None:
    (folder / "backups" / "monday.dump").chmod(0o644)
    assert "1 backups are open to others" in sentences(
        installation.said("backups", **pointing(folder)), "problem"
    )
    (folder / "backups" / "monday.dump").unlink()
    assert "There is no backup in" in sentences(installation.said("backups", **pointing(folder)), "problem")
    beside = {**pointing(folder), "PAT_BACKUP_FOLDER": str(folder)}
    assert "Keep them apart" in sentences(installation.said("backups", **beside), "problem")
    nowhere = {**pointing(folder), "PAT_BACKUP_FOLDER": str(folder / "nowhere")}
    assert "There is no folder" in sentences(installation.said("backups", **nowhere), "problem")
    assert "is not set" in sentences(installation.said("backups", PAT_BACKUP_FOLDER=""), "warning")


@pytest.mark.parametrize(
    ("free", "level"), [(500 * 2**30, None), (1 * 2**30, Level.WARNING), (100 * 2**20, Level.PROBLEM)]
)
def test_a_disk_that_fills_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, level: Level | None
) -> None:
    usage = SimpleNamespace(free=free, total=1000 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    found = machine._space("keys", tmp_path / "not" / "yet")
    assert (found.level if found else None) == level


# The installation.


def test_packages_that_differ_from_the_lock_are_told(tmp_path: Path) -> None:
    lock = tmp_path / "run.txt"
    lock.write_text(
        "click==0.1 \\\n    --hash=x\nno-such-package==1 ; sys_platform == 'win32' \\\nnor-this==2 \\\n"
    )
    (found,) = packages.look_at_installation(lock)
    assert found.level is Level.WARNING
    assert "not 0.1" in found.sentence
    assert "nor-this is missing" in found.sentence
    assert "no-such-package" not in found.sentence
    (found,) = packages.look_at_installation(tmp_path / "none")
    assert found.level is Level.WARNING


def test_a_machine_that_cannot_back_this_server_up_is_told() -> None:
    (found,) = packages.look_at_programs(99)
    assert found.level is Level.WARNING
    assert "older than the server" in found.sentence
