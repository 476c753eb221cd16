"""What the issuer is made of."""

from dataclasses import astuple
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from pat_auth.issuer.service import Secrets, Service
from pat_auth.keys import KeysInFile
from pat_auth.tokens import FollowingVerifier, Verifier
from pat_platform.errors import Fault
from pat_platform.settings import Settings

SECRET = b"a deployment secret for tests only, long enough"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    settings = Settings(
        database_url="postgresql://127.0.0.1:1/nowhere",
        secret=SECRET,
        issuer="https://pat.example",
        audience="https://pat.example/graphql",
        pool_wait_seconds=0.1,
        development=True,
    )
    keys = KeysInFile(tmp_path)
    make = partial(Verifier, issuer=settings.issuer, audience=settings.audience)
    return Service.of(settings, keys, FollowingVerifier(keys, make))


def test_every_purpose_has_a_key_of_its_own() -> None:
    keys = astuple(Secrets.of(SECRET))
    assert len(set(keys)) == len(keys) == 10
    assert {len(key) for key in keys} == {32}


def test_the_keys_can_be_derived_again_and_hang_on_the_deployments_secret() -> None:
    # Fixed for ever: with other keys nobody's password, second factor or recovery code is good any more.
    assert Secrets.of(SECRET).passwords.hex() == (
        "822d1b4d92fd9554c3467a571a5fa8f791b0aaff8f51d92e870bb8af82447f6d"
    )
    assert not set(astuple(Secrets.of(SECRET))) & set(astuple(Secrets.of(SECRET + b"!")))


def test_the_issuer_is_what_the_settings_say(service: Service) -> None:
    assert (service.issuer, service.audience) == ("https://pat.example", "https://pat.example/graphql")
    assert service.is_explorable
    assert abs((datetime.now(UTC) - service.clock()).total_seconds()) < 5


def test_it_needs_no_postgresql_before_it_is_used(service: Service) -> None:
    with pytest.raises(Fault, match="UNAVAILABLE"), service.connections.transaction():
        raise AssertionError("there is no PostgreSQL")
    service.connections.close()


def test_it_prints_no_secret(service: Service) -> None:
    printed = repr(service) + repr(service.secrets)
    assert SECRET.decode() not in printed
    for key in astuple(service.secrets):
        assert repr(key) not in printed
