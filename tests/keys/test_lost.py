"""The drill: the keys of organisations are lost. What is told, what is never done silently, and the two ends that there are."""

import shutil
from pathlib import Path

import pytest
from tests.keys.network import KeyNetwork
from tests.keys.transit import Transit

from pat_platform.encryption.provider import KeysMissing, SubjectKey
from pat_server.keeping import key_findings, missing_keys


@pytest.fixture
def copy(network: KeyNetwork, tmp_path: Path) -> Path:
    """Where the keys are once they are lost."""
    network.add_people("cbo-a", 3)
    network.add_people("cbo-b", 1)
    return tmp_path / "elsewhere"


def lose(network: KeyNetwork, copy: Path) -> None:
    shutil.move(network.folder, copy)


def test_lost_keys_are_told_by_name_and_come_back_with_their_copy(network: KeyNetwork, copy: Path) -> None:
    people = network.opened("cbo-a")
    lose(network, copy)
    assert network.opened("cbo-a") == dict.fromkeys(people)
    lost = [
        "cbo-a: its keys are missing, and 6 people cannot be read. Put them back from their copy: docs/keys.md.",
        "cbo-b: its keys are missing, and 2 people cannot be read. Put them back from their copy: docs/keys.md.",
    ]
    assert key_findings(network.settings) == lost
    assert network.refused("keys", "check").splitlines()[1:] == lost
    assert [line.split()[1:] for line in network.told("keys", "list").splitlines() if "cbo-" in line] == [
        ["-", "no", "keys", "6"],
        ["-", "no", "keys", "2"],
    ]
    shutil.copytree(copy, network.folder)
    assert network.opened("cbo-a") == people
    assert key_findings(network.settings) == []


def test_no_command_makes_new_keys_over_lost_ones(network: KeyNetwork, copy: Path) -> None:
    lose(network, copy)
    assert "they are lost, not new" in network.refused("keys", "create", "cbo-a")
    assert "6 keys of people do not open" in network.refused("keys", "rewrap", "--organisation", "cbo-a")
    network.refused("keys", "rotate", "organisations", "--older-than", "0")
    network.told("keys", "destroy", "--yes")
    network.told("migrate")
    organisation = network.id_of("cbo-a")
    with pytest.raises(KeysMissing):
        network.run(lambda keeper: keeper.wrap(organisation, [SubjectKey(organisation, b"k" * 32)]))
    assert not network.folder.exists() or list(network.folder.glob("*.json")) == []


def test_a_server_that_starts_without_them_says_so(network: KeyNetwork, copy: Path) -> None:
    lose(network, copy)
    assert missing_keys(network.settings) == [
        "cbo-a has no keys: `pat keys check` tells whether they are lost.",
        "cbo-b has no keys: `pat keys check` tells whether they are lost.",
    ]


def test_an_old_copy_of_the_keys_is_not_enough_after_a_rotation(network: KeyNetwork, copy: Path) -> None:
    people = network.opened("cbo-a")
    shutil.copytree(network.folder, copy)
    network.told("keys", "rotate", "organisations", "--older-than", "0")
    shutil.rmtree(network.folder)
    shutil.copytree(copy, network.folder)
    assert network.opened("cbo-a") == dict.fromkeys(people)
    assert key_findings(network.settings)[0] == (
        "cbo-a: a version of its key is missing, and 6 people cannot be read. "
        "Put the newest copy of the keys back: docs/keys.md."
    )


def test_keys_that_are_lost_for_ever_are_given_up_by_name_and_work_goes_on(
    network: KeyNetwork, copy: Path
) -> None:
    people = network.opened("cbo-a")
    lose(network, copy)
    assert "can never be read again" in network.pat("keys", "abandon", "cbo-a").stdout
    assert not network.folder.exists()
    assert network.told("keys", "abandon", "cbo-a", "--yes") == (
        "cbo-a: 6 people have new keys; what their lost ones sealed stays unreadable.\n"
    )
    renewed = network.opened("cbo-a")
    assert set(renewed) == set(people)
    assert not set(renewed.values()) & {*people.values(), None}
    assert [finding.split(":")[0] for finding in key_findings(network.settings)] == ["cbo-b"]


def test_keys_that_are_there_are_not_given_up(network: KeyNetwork, copy: Path) -> None:
    before = network.wrapped("cbo-a")
    assert "nothing to give up" in network.refused("keys", "abandon", "cbo-a", "--yes")
    assert network.wrapped("cbo-a") == before


def test_only_what_does_not_open_gets_a_new_key(network: KeyNetwork, copy: Path) -> None:
    people = network.opened("cbo-a")
    broken = next(iter(people))
    for table, column in (("survivor_keys", "survivor_id"), ("group_member_identities", "member_id")):
        network.rows(f"update app.{table} set wrapped = 'broken' where {column} = %s", broken)
    network.told("keys", "abandon", "cbo-a", "--yes")
    after = network.opened("cbo-a")
    assert after.pop(broken) not in (None, people.pop(broken))
    assert after == people


def test_a_file_that_cannot_be_read_is_told_and_left_alone(network: KeyNetwork, copy: Path) -> None:
    file = network.folder / f"{network.id_of('cbo-a').hex}.json"
    file.chmod(0o644)
    [finding] = key_findings(network.settings)
    assert "is open to others" in finding
    assert missing_keys(network.settings) == [finding]
    file.chmod(0o600)
    file.write_text("{}")
    [finding] = key_findings(network.settings)
    assert "does not hold an organisation's keys" in finding
    assert file.read_text() == "{}"


def test_a_version_that_opens_nothing_is_told(network: KeyNetwork, copy: Path) -> None:
    """The file is there and names the version, and yet it holds another key."""
    here, there = (network.folder / f"{network.id_of(slug).hex}.json" for slug in ("cbo-a", "cbo-b"))
    secret = _wrapping(there.read_text())
    here.write_text(here.read_text().replace(_wrapping(here.read_text()), secret))
    [version] = network.versions("cbo-a")
    assert key_findings(network.settings) == [
        f"cbo-a: what version {version} wrapped does not open. Put the keys back from their copy: docs/keys.md."
    ]
    network.told("keys", "destroy", "--yes")


def _wrapping(content: str) -> str:
    return content.split('"wrapping"')[1].split('"')[3]


def test_a_vault_that_does_not_answer_is_told(in_vault: KeyNetwork, transit: Transit) -> None:
    transit.is_sealed = True
    reason = f"Vault at {transit.address} cannot be used: VaultDown."
    assert key_findings(in_vault.settings) == [reason]
    assert missing_keys(in_vault.settings) == [f"{reason} Identities cannot be read or saved until it can."]
    assert in_vault.refused("keys", "check") == f"pat: {reason}\n"


def test_an_organisation_whose_keys_could_not_be_made_is_told_how(
    in_vault: KeyNetwork, transit: Transit
) -> None:
    transit.is_sealed = True
    done = in_vault.pat("organisation", "add", "goa", "--name", "G", "--kind", "cbo", "--state", "Goa")
    assert (done.exit_code, "pat keys create goa" in done.stderr) == (0, True)
    transit.is_sealed = False
    assert key_findings(in_vault.settings) == ["goa has no keys yet: `pat keys create goa`."]
    assert in_vault.told("keys", "create", "goa") == "goa has its keys.\n"
    assert "has keys already" in in_vault.refused("keys", "create", "goa")


def test_nobody_keeps_identities_in_files_without_having_said_so(network: KeyNetwork) -> None:
    network.variables["PAT_KEY_PROVIDER"] = ""
    for call in ("serve", "keys list", "keys check"):
        assert network.refused(*call.split()).startswith("pat: PAT_KEY_PROVIDER is not set: `vault` keeps")
    [finding] = key_findings(network.settings)
    assert finding.startswith("PAT_KEY_PROVIDER is not set")
    done = network.pat("organisation", "add", "goa", "--name", "G", "--kind", "cbo", "--state", "Goa")
    assert (done.exit_code, "PAT_KEY_PROVIDER is not set" in done.stderr) == (0, True)
