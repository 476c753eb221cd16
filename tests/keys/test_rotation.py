"""`pat keys` on a database of one's own: rotating, going on after a kill, destroying what nothing needs."""

import asyncio
import re
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from tests.cli.running import PAT, environment
from tests.cli.test_progress import Terminal
from tests.keys.network import KeyNetwork
from tests.keys.transit import Transit

from pat_platform.encryption.file_provider import FileKeyProvider
from pat_platform.encryption.provider import KeysMissing, WrappedKey
from pat_server import keeping
from pat_server.commands import keys as commands
from pat_server.commands.progress import Progress
from pat_tenants import rewrapping

AT_ONCE = ("--older-than", "0")


@pytest.fixture(params=["file", "vault"])
def kept(request: pytest.FixtureRequest, network: KeyNetwork) -> KeyNetwork:
    """The network with either provider."""
    made: KeyNetwork = network if request.param == "file" else request.getfixturevalue("in_vault")
    return made


def under(network: KeyNetwork, slug: str) -> dict[str, int]:
    """How many keys of people are under each version, as `pat keys list` tells."""
    lines = [line.split() for line in network.told("keys", "list").splitlines()]
    return {line[1]: int(line[-1]) for line in lines if line[0] == slug}


def test_a_rotation_puts_everybody_under_a_new_version_and_opens_the_same(kept: KeyNetwork) -> None:
    people = kept.add_people("cbo-a", 10)
    others = kept.add_people("cbo-b", 2)
    told = kept.told("keys", "rotate", "organisations", *AT_ONCE)
    assert told == (
        "cbo-a: 20 keys of people were put under the current version.\n"
        "cbo-b: 4 keys of people were put under the current version.\n"
    )
    first, second = kept.versions("cbo-a")
    assert under(kept, "cbo-a") == {first: 0, second: 20}
    assert (kept.opened("cbo-a"), kept.opened("cbo-b")) == (people, others)
    assert kept.told("keys", "check").startswith("2 organisations, 24 keys of people: all under current")


def test_a_rotation_tells_whose_keys_it_is_at(network: KeyNetwork) -> None:
    done = network.pat("keys", "rotate", "organisations", *AT_ONCE)
    assert done.stderr == "pat: cbo-a …\npat: cbo-b …\n"


def test_on_a_terminal_a_rotation_shows_how_many_keys_are_done(
    network: KeyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(commands, "Progress", lambda: Progress(screen))
    network.add_people("cbo-a", 10)
    told = network.told("keys", "rotate", "organisations", *AT_ONCE)
    assert told.startswith("cbo-a: 20 keys of people")
    assert re.findall(r"(\d+)%  ([^\x1b]*)", screen.getvalue()) == [
        ("0", "cbo-a"),
        ("25", "cbo-a: 10 of 20"),
        ("50", "cbo-a: 20 of 20"),
        ("50", "cbo-b"),
    ]
    assert screen.getvalue().endswith("\r\x1b[K")


def test_one_organisation_is_rotated_alone(network: KeyNetwork) -> None:
    network.add_people("cbo-a", 1)
    network.told("keys", "rotate", "organisations", "--organisation", "cbo-a", *AT_ONCE)
    assert (len(network.versions("cbo-a")), len(network.versions("cbo-b"))) == (2, 1)
    assert "no organisation nowhere" in network.refused(
        "keys", "rotate", "organisations", "--organisation", "nowhere"
    )


def test_what_was_rotated_today_is_not_rotated_again(network: KeyNetwork) -> None:
    network.told("keys", "rotate", "organisations", *AT_ONCE)
    network.told("keys", "rotate", "organisations")
    assert len(network.versions("cbo-a")) == 2


def test_what_is_under_an_old_version_is_told_until_it_is_rewrapped(kept: KeyNetwork) -> None:
    people = kept.add_people("cbo-a", 3)
    organisation = kept.id_of("cbo-a")
    kept.run(lambda keeper: keeper.rotate(organisation))
    assert "cbo-a: 6 keys of people are under an old version" in kept.refused("keys", "check")
    assert list(under(kept, "cbo-a").values()) == [6, 0]
    kept.told("keys", "rewrap", "--organisation", "cbo-a")
    kept.told("keys", "check")
    assert kept.opened("cbo-a") == people


@pytest.mark.slow
def test_a_rotation_that_is_killed_goes_on_when_it_is_started_again(
    in_vault: KeyNetwork, transit: Transit
) -> None:
    people = in_vault.add_people("cbo-a", 500)
    others = in_vault.add_people("cbo-b", 10)
    transit.delay = 0.1
    home = in_vault.variables["PAT_HOME"]
    command = [str(PAT), "keys", "rotate", "organisations", *AT_ONCE]
    with subprocess.Popen(
        command, env=environment(in_vault.settings.key_folder.parent / home, **in_vault.variables)
    ) as killed:
        wait_until(lambda: 0 < count_under(in_vault, "vault:v2:") < len(people))
        killed.send_signal(signal.SIGKILL)
    transit.delay = 0.0
    done = count_under(in_vault, "vault:v2:")
    assert 0 < done < len(people)
    assert (in_vault.opened("cbo-a"), in_vault.opened("cbo-b")) == (people, others)
    told = in_vault.told("keys", "rotate", "organisations", "--older-than", "0.01")
    assert f"cbo-a: {len(people) - done} keys of people were put under the current version." in told
    assert len(in_vault.versions("cbo-a")) == 2
    assert (in_vault.opened("cbo-a"), in_vault.opened("cbo-b")) == (people, others)
    assert under(in_vault, "cbo-a") == {"v1": 0, "v2": len(people)}


def count_under(network: KeyNetwork, prefix: str) -> int:
    """How many keys of people have been committed under a version."""
    [(count,)] = network.rows(
        "select (select count(*) from app.survivor_keys where substr(wrapped, 1, 9) = %s::bytea)"
        " + (select count(*) from app.group_member_identities where substr(wrapped, 1, 9) = %s::bytea)",
        *(prefix, prefix),
    )
    return int(count)


def wait_until(holds: Any) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_people_come_and_are_read_while_keys_are_rotated(network: KeyNetwork) -> None:
    people = network.add_people("cbo-a", 300)
    stop = threading.Event()
    troubles: list[UUID] = []
    added: dict[UUID, bytes] = {}

    def go_on() -> None:
        while not stop.is_set():
            added.update(network.add_people("cbo-a", 2))
            known = people | added
            opened = network.opened("cbo-a")
            troubles.extend(subject for subject, key in opened.items() if known[subject] != key)

    thread = threading.Thread(target=go_on)
    thread.start()
    for _ in range(3):
        network.told("keys", "rotate", "organisations", *AT_ONCE)
    stop.set()
    thread.join()
    network.told("keys", "rewrap")
    assert (troubles, len(added) > 0) == ([], True)
    assert network.opened("cbo-a") == people | added
    network.told("keys", "check")


async def test_a_key_that_changed_meanwhile_is_left_alone(network: KeyNetwork) -> None:
    """Whoever was faster wins: the rewrap looks at what it is about to replace."""
    network_ids = await asyncio.to_thread(network.add_people, "cbo-a", 2)
    organisation = await asyncio.to_thread(network.id_of, "cbo-a")

    class Meanwhile(FileKeyProvider):
        async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
            await asyncio.to_thread(
                network.rows,
                "update app.survivor_keys set wrapped = 'x' where survivor_id = %s",
                keys[0].subject,
            )
            return await super().rewrap(organisation, keys)

    keeper = Meanwhile(network.folder)
    await keeper.rotate(organisation)
    async with keeping.connected(network.settings) as connection:
        done = await rewrapping.rewrap(connection, keeper, organisation)
    assert (done.replaced, done.unreadable) == (len(network_ids) - 1, 0)
    blobs = {item.blob for item in await asyncio.to_thread(network.wrapped, "cbo-a")}
    assert b"x" in blobs


async def test_a_key_service_that_gives_back_another_key_changes_nothing(network: KeyNetwork) -> None:
    await asyncio.to_thread(network.add_people, "cbo-a", 2)
    organisation = await asyncio.to_thread(network.id_of, "cbo-a")
    before = await asyncio.to_thread(network.wrapped, "cbo-a")

    class Confused(FileKeyProvider):
        async def rewrap(self, organisation: UUID, keys: Sequence[WrappedKey]) -> list[bytes | None]:
            return (await super().rewrap(organisation, keys))[::-1]

    keeper = Confused(network.folder)
    await keeper.rotate(organisation)
    async with keeping.connected(network.settings) as connection:
        with pytest.raises(rewrapping.NotTheSame):
            await rewrapping.rewrap(connection, keeper, organisation)
    assert await asyncio.to_thread(network.wrapped, "cbo-a") == before


def test_a_key_that_does_not_open_stays_and_is_told(network: KeyNetwork) -> None:
    people = network.add_people("cbo-a", 2)
    broken = next(iter(people))
    network.rows("update app.survivor_keys set wrapped = 'broken' where survivor_id = %s", broken)
    said = network.refused("keys", "rotate", "organisations", *AT_ONCE)
    assert "1 keys of people do not open and stay as they are" in said
    assert network.opened("cbo-a") == people | {broken: None}
    assert "a version of its key is missing, and 1 people cannot be read" in network.refused("keys", "check")
    assert under(network, "cbo-a")["?"] == 1


async def test_an_organisation_without_keys_has_nothing_rewrapped(network: KeyNetwork) -> None:
    async with keeping.connected(network.settings) as connection:
        with pytest.raises(KeysMissing):
            await rewrapping.rewrap(connection, FileKeyProvider(network.folder / "none"), uuid4())


def destroyed(network: KeyNetwork) -> str:
    return network.told("keys", "destroy", "--yes")


def test_old_versions_are_destroyed_when_nothing_needs_them(
    kept: KeyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = kept.add_people("cbo-a", 2)
    organisation = kept.id_of("cbo-a")
    kept.run(lambda keeper: keeper.rotate(organisation))
    monkeypatch.setattr(commands, "SETTLED", timedelta(0))
    assert destroyed(kept) == ""
    kept.told("keys", "rewrap")
    assert destroyed(kept) == "cbo-a: 1 old versions are destroyed.\n"
    assert len(kept.versions("cbo-a")) == 1
    assert kept.opened("cbo-a") == people
    kept.told("keys", "check")


def test_a_version_is_not_destroyed_while_a_transaction_may_still_write_under_it(network: KeyNetwork) -> None:
    network.add_people("cbo-a", 1)
    network.told("keys", "rotate", "organisations", *AT_ONCE)
    assert destroyed(network) == ""
    assert len(network.versions("cbo-a")) == 2


def test_nothing_is_destroyed_unless_somebody_says_yes(
    network: KeyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.told("keys", "rotate", "organisations", *AT_ONCE)
    monkeypatch.setattr(commands, "SETTLED", timedelta(0))
    assert "Backups from before" in network.refused("keys", "destroy") + network.pat("keys", "destroy").stdout
    assert len(network.versions("cbo-a")) == 2


def test_looking_at_keys_makes_none(network: KeyNetwork) -> None:
    file = network.settings.key_folder / "signing-keys.json"
    file.unlink(missing_ok=True)
    assert "made at the first start" in network.told("keys", "list")
    network.told("keys", "check")
    assert not file.exists()


def test_signing_keys_are_rotated_and_listed(network: KeyNetwork) -> None:
    network.told("keys", "rotate", "signing")
    before = [line.split() for line in network.told("keys", "list").splitlines() if line.startswith("tokens")]
    told = network.told("keys", "rotate", "signing")
    after = [line.split() for line in network.told("keys", "list").splitlines() if line.startswith("tokens")]
    (signs, _, verifies), (former, following, _) = after, before
    assert (signs[1], verifies[1]) == (following[1], former[1])
    assert told.startswith(signs[1])


def test_the_login_that_rewraps_sees_one_database_of_this_release(network: KeyNetwork) -> None:
    with psycopg.connect(network.url) as admin:
        admin.execute("alter role pat_service_keys password 'another'")
    try:
        assert "does not know the login that rotates keys" in network.refused("keys", "check")
    finally:
        network.told("migrate")
    network.told("keys", "check")
