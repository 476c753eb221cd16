"""The key provider that asks Vault: one round trip, its token, and what it makes of a Vault that does not help."""

import asyncio
import logging
import os
import time
from base64 import b64encode
from pathlib import Path
from uuid import uuid4

import pytest
from tests.keys.transit import TOKEN, Transit, serving_transit

from pat_platform.encryption import vault_client
from pat_platform.encryption.chosen import key_keeper
from pat_platform.encryption.provider import KeysMissing, KeysUnavailable, SubjectKey, WrappedKey
from pat_platform.encryption.vault_provider import VaultKeyProvider
from pat_platform.settings import KeyProviderKind, Settings, SettingsError, VaultAccess

ORGANISATION = uuid4()
KEY = os.urandom(32)


async def wrapped(vault: VaultKeyProvider, count: int = 1) -> list[WrappedKey]:
    """Some keys of people."""
    keys = [SubjectKey(uuid4(), KEY) for _ in range(count)]
    blobs = await vault.wrap(ORGANISATION, keys)
    return [WrappedKey(item.subject, blob) for item, blob in zip(keys, blobs, strict=True)]


def asked(transit: Transit) -> list[str]:
    """What was asked of the engine, beside the token."""
    return [request for request in transit.requests if "/auth/token/" not in request]


async def test_many_keys_are_one_request(transit: Transit, vault: VaultKeyProvider) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault, 50)
    transit.requests.clear()
    assert await vault.unwrap(ORGANISATION, stored) == [KEY] * 50
    await wrapped(vault, 50)
    assert all(await vault.rewrap(ORGANISATION, stored))
    name = f"pat-{ORGANISATION.hex}"
    assert asked(transit) == [f"POST /v1/transit/{verb}/{name}" for verb in ("decrypt", "encrypt", "rewrap")]


async def test_a_rewrap_shows_nobody_the_key(transit: Transit, vault: VaultKeyProvider) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    transit.bodies.clear()
    await vault.rewrap(ORGANISATION, stored)
    assert not [body for body in transit.bodies if b64encode(KEY) in body]


async def test_using_a_key_does_not_make_it_even_with_the_right_to(
    transit: Transit, vault: VaultKeyProvider
) -> None:
    transit.may_create = True
    with pytest.raises(KeysMissing):
        await wrapped(vault)
    assert transit.keys == {}


async def test_keys_that_vanish_from_vault_are_missing(transit: Transit, vault: VaultKeyProvider) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    transit.keys.clear()
    assert await vault.unwrap(ORGANISATION, stored) == [None]
    with pytest.raises(KeysMissing):
        await wrapped(vault)
    with pytest.raises(KeysMissing):
        await vault.derive(ORGANISATION, b"blind index")


async def test_keys_that_were_half_made_are_completed(transit: Transit, vault: VaultKeyProvider) -> None:
    await vault.create(ORGANISATION)
    del transit.keys[f"pat-{ORGANISATION.hex}"]
    index = await vault.derive(ORGANISATION, b"blind index")
    assert await vault.create(ORGANISATION)
    assert await vault.derive(ORGANISATION, b"blind index") == index
    assert await vault.unwrap(ORGANISATION, await wrapped(vault)) == [KEY]


async def test_a_sealed_vault_is_unavailable_and_then_it_is_not(
    transit: Transit, vault: VaultKeyProvider
) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    transit.is_sealed = True
    with pytest.raises(KeysUnavailable) as down:
        await vault.unwrap(ORGANISATION, stored)
    assert (down.value.code, "VaultDown" in down.value.reason) == ("UNAVAILABLE", True)
    assert transit.address not in down.value.message
    transit.is_sealed = False
    assert await vault.unwrap(ORGANISATION, stored) == [KEY]


async def test_a_vault_that_came_back_is_used_again(token_file: Path) -> None:
    with serving_transit() as transit:
        port, keys = transit.port, transit.keys
        vault = VaultKeyProvider(VaultAccess(transit.address, token_file))
        await vault.create(ORGANISATION)
        stored = await wrapped(vault)
    try:
        with pytest.raises(KeysUnavailable):
            await vault.unwrap(ORGANISATION, stored)
        with serving_transit(port) as again:
            again.keys = keys
            assert await vault.unwrap(ORGANISATION, stored) == [KEY]
    finally:
        vault.close()


async def test_a_slow_vault_holds_up_those_who_need_keys_and_nobody_else(
    transit: Transit, vault: VaultKeyProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    monkeypatch.setattr(vault_client, "PATIENCE_SECONDS", 0.3)
    transit.delay = 0.5
    slow = [asyncio.create_task(vault.unwrap(ORGANISATION, stored)) for _ in range(30)]
    began = time.monotonic()
    await asyncio.sleep(0)
    assert time.monotonic() - began < 0.2
    answers = await asyncio.gather(*slow, return_exceptions=True)
    assert {type(answer) for answer in answers} == {KeysUnavailable}
    # Those who gave up are not asked for any more.
    assert asked(transit).count(f"POST /v1/transit/decrypt/pat-{ORGANISATION.hex}") <= 8


async def test_a_refused_token_is_read_again_from_its_file(
    transit: Transit, vault: VaultKeyProvider, token_file: Path
) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    transit.tokens = {"hvs.the-next-token": float("inf")}
    with pytest.raises(KeysUnavailable, match="UNAVAILABLE") as refused:
        await vault.unwrap(ORGANISATION, stored)
    assert "refuses our token" in refused.value.reason
    assert TOKEN not in refused.value.reason
    await asyncio.to_thread(token_file.write_text, "hvs.the-next-token")
    assert await vault.unwrap(ORGANISATION, stored) == [KEY]


async def test_a_token_is_renewed_before_it_ends(transit: Transit, vault: VaultKeyProvider) -> None:
    transit.lease = 0.6
    transit.tokens = {TOKEN: time.time() + 0.6}
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    await asyncio.sleep(1.5)
    assert await vault.unwrap(ORGANISATION, stored) == [KEY]
    assert transit.requests.count("POST /v1/auth/token/renew-self") >= 2


async def test_a_token_that_cannot_be_renewed_is_said_without_being_shown(
    transit: Transit, vault: VaultKeyProvider, caplog: pytest.LogCaptureFixture
) -> None:
    transit.tokens = {}
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(KeysUnavailable):
            await vault.create(ORGANISATION)
        for _ in range(100):
            # Another thread says it, as soon as it has asked.
            if "vault.token_not_renewed" in caplog.text:
                break
            await asyncio.sleep(0.05)
    assert "vault.token_not_renewed" in caplog.text
    assert TOKEN not in caplog.text


async def test_a_token_file_that_is_missing_is_named(transit: Transit, tmp_path: Path) -> None:
    vault = VaultKeyProvider(VaultAccess(transit.address, tmp_path / "nothing"))
    with pytest.raises(KeysUnavailable) as missing:
        await vault.create(ORGANISATION)
    vault.close()
    assert missing.value.reason == "PAT_VAULT_TOKEN_FILE cannot be read: No such file or directory."


async def test_a_mount_that_is_no_transit_engine_is_said(transit: Transit, token_file: Path) -> None:
    vault = VaultKeyProvider(VaultAccess(transit.address, token_file, mount="elsewhere"))
    with pytest.raises(KeysUnavailable):
        await vault.create(ORGANISATION)
    vault.close()


async def test_logs_tell_no_key_and_no_token(
    transit: Transit, vault: VaultKeyProvider, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await vault.create(ORGANISATION)
        stored = await wrapped(vault)
        await vault.unwrap(ORGANISATION, stored)
    for secret in (TOKEN, b64encode(KEY).decode(), stored[0].blob.decode()):
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("instead", "reason"),
    [
        ((200, {"hello": 1}), "is not Vault"),
        ((200, [1]), "is not Vault"),
        ((204, None), "is not Vault"),
        ((200, {"data": {"batch_results": []}}), "another number of keys"),
        ((200, {"data": {"batch_results": [{"error": "x"}]}}), "some keys and not others"),
        ((400, {"errors": ["unsupported path"]}), "is PAT_VAULT_MOUNT a transit engine"),
        ((307, None), "is not Vault"),
        ((500, {"errors": ["1 error"]}), "InternalServerError"),
        ((429, {"errors": []}), "RateLimitExceeded"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_unavailable_and_wraps_nothing(
    transit: Transit, vault: VaultKeyProvider, instead: tuple[int, object], reason: str
) -> None:
    await vault.create(ORGANISATION)
    await wrapped(vault)
    transit.instead = instead
    with pytest.raises(KeysUnavailable) as refused:
        await wrapped(vault)
    assert reason in refused.value.reason
    assert not isinstance(refused.value, KeysMissing)


@pytest.mark.parametrize("text", ["", "no base64 at all", "c2hvcnQ="])
async def test_what_vault_opens_and_is_no_key_of_ours_does_not_open(
    transit: Transit, vault: VaultKeyProvider, text: str
) -> None:
    await vault.create(ORGANISATION)
    stored = await wrapped(vault)
    transit.instead = (200, {"data": {"batch_results": [{"plaintext": text}]}})
    assert await vault.unwrap(ORGANISATION, stored) == [None]


async def test_what_vault_refuses_of_an_operator_is_said(transit: Transit, vault: VaultKeyProvider) -> None:
    await vault.create(ORGANISATION)
    [version] = await vault.versions(ORGANISATION)
    transit.instead = (400, {"errors": ["cannot"]})
    for work in (vault.destroy_before(ORGANISATION, version), vault.derive(ORGANISATION, b"x")):
        with pytest.raises(KeysUnavailable, match="UNAVAILABLE"):
            await work


def test_vault_is_not_chosen_without_being_told_where_it_is() -> None:
    settings = Settings(
        database_url="postgresql://db/pat", secret=b"s" * 40, key_provider=KeyProviderKind.VAULT
    )
    with pytest.raises(SettingsError, match="PAT_VAULT_ADDRESS"):
        key_keeper(settings)
