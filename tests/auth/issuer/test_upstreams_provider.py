"""One provider, as we are its client: what is kept of what it publishes, and what is believed of what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from threading import Timer
from time import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tests.support.provider import CLIENT, SECRET, SUBJECT, Provider, providing

from pat_auth.issuer import upstreams_provider
from pat_auth.issuer.upstreams import Registered, Sent, Trouble
from pat_auth.issuer.upstreams_provider import AT_ONCE, EACH_AT_ONCE, Providers
from pat_auth.issuer.upstreams_tokens import Expected, Said, public_keys, read

SENT = Sent("state", "nonce", "v" * 43)
BACK = "https://pat.example/sign-in/upstream/x"
DOCUMENT = "/.well-known/openid-configuration"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing(time) as made:
        yield made


@pytest.fixture
def ours(provider: Provider) -> Registered:
    return Registered(provider.issuer, CLIENT, SECRET, BACK, allows_loopback=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def providers(clock: Clock) -> Providers:
    return Providers(clock)


def expected(provider: Provider) -> Expected:
    return Expected(provider.issuer, CLIENT, SENT.nonce, datetime.now(UTC))


def sign_in(providers: Providers, ours: Registered, provider: Provider) -> Said:
    back = provider.sign_in(providers.address(ours, SENT))
    return providers.redeem(ours, back.partition("code=")[2].partition("&")[0], SENT, expected(provider))


def failed(providers: Providers, ours: Registered, provider: Provider) -> str:
    with pytest.raises(Trouble) as trouble:
        sign_in(providers, ours, provider)
    return trouble.value.code


def test_what_is_published_is_asked_for_once_an_hour(
    providers: Providers, ours: Registered, provider: Provider, clock: Clock
) -> None:
    for _ in range(2):
        assert sign_in(providers, ours, provider).subject == SUBJECT
    assert provider.asked == [DOCUMENT, "/token", "/keys", "/token"]
    clock.now = 3600
    sign_in(providers, ours, provider)
    assert provider.asked[4:] == [DOCUMENT, "/token", "/keys"]


def test_a_key_that_is_new_is_asked_for_once(
    providers: Providers, ours: Registered, provider: Provider
) -> None:
    sign_in(providers, ours, provider)
    provider.key = ECKey.generate_key("P-256", {"kid": "second"})
    assert sign_in(providers, ours, provider).subject == SUBJECT
    assert provider.asked.count("/keys") == 2
    provider.published = [provider.key.as_dict(private=False)]
    provider.key = ECKey.generate_key("P-256", {"kid": "never published"})
    assert failed(providers, ours, provider) == "KEY"
    assert provider.asked.count("/keys") == 3


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "rsa"}), "RS256"),
        (RSAKey.generate_key(2048, {"kid": "rsa"}), "PS256"),
        (OKPKey.generate_key("Ed25519", {"kid": "okp"}), "Ed25519"),
        (ECKey.generate_key("P-384", {"kid": "ec"}), "ES384"),
    ],
)
def test_providers_sign_with_keys_of_their_own(
    providers: Providers, ours: Registered, provider: Provider, key: Any, algorithm: str
) -> None:
    provider.key, provider.algorithm = key, algorithm
    assert sign_in(providers, ours, provider).subject == SUBJECT


def test_a_token_that_names_no_key_is_of_the_only_one(
    providers: Providers, ours: Registered, provider: Provider
) -> None:
    provider.header = {"kid": None}
    assert sign_in(providers, ours, provider).subject == SUBJECT
    provider.published = [
        provider.key.as_dict(private=False),
        ECKey.generate_key("P-256").as_dict(private=False),
    ]
    assert failed(Providers(), ours, provider) == "KEY"


def test_our_secret_is_sent_as_the_provider_offers(
    providers: Providers, ours: Registered, provider: Provider
) -> None:
    provider.document = {
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"]
    }
    assert sign_in(providers, ours, provider).subject == SUBJECT
    assert failed(Providers(), replace(ours, secret="another"), provider) == "STATUS"
    assert failed(Providers(), replace(ours, secret=None), provider) == "STATUS"


@pytest.mark.parametrize(
    ("path", "answer", "code"),
    [
        (DOCUMENT, b"[]", "DOCUMENT"),
        (DOCUMENT, b"no JSON", "UNREACHABLE"),
        (DOCUMENT, b"\xff", "UNREACHABLE"),
        ("/keys", b"{}", "KEYS"),
        ("/keys", b'{"keys": {}}', "KEYS"),
        ("/keys", b'{"keys": []}', "KEY"),
        ("/token", b"{}", "TOKEN"),
        ("/token", b'{"id_token": 7}', "TOKEN"),
        ("/token", b'{"id_token": "x"}', "TOKEN"),
        ("/token", b'{"id_token": "a.b.c"}', "TOKEN"),
        ("/token", b'{"error": "invalid_grant"}', "REFUSED"),
        ("/token", b"[]", "ANSWER"),
    ],
)
def test_what_is_not_understood_is_not_believed(
    ours: Registered, provider: Provider, path: str, answer: bytes, code: str
) -> None:
    provider.answers[path] = (200, {"content-type": "application/json"}, answer)
    assert failed(Providers(), ours, provider) == code


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
def test_every_address_that_it_names_must_be_one(ours: Registered, provider: Provider, name: str) -> None:
    provider.document = {name: "http://elsewhere.example"}
    assert failed(Providers(), ours, provider) == "ADDRESS"


@pytest.mark.parametrize("code", ["", "x" * 4097])
def test_a_code_that_is_none_is_shown_to_nobody(
    providers: Providers, ours: Registered, provider: Provider, code: str
) -> None:
    with pytest.raises(Trouble):
        providers.redeem(ours, code, SENT, expected(provider))
    assert provider.asked == []


@pytest.fixture
def taken(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Takes a turn with a provider, until the test is over."""
    monkeypatch.setattr(upstreams_provider, "TURN_SECONDS", 0.1)
    with ExitStack() as turns:
        yield lambda issuer: turns.enter_context(providers._turn(issuer))


def is_busy(providers: Providers, issuer: str) -> bool:
    try:
        with providers._turn(issuer):
            return False
    except Trouble as trouble:
        return trouble.code == "BUSY"


def test_one_that_is_slow_leaves_turns_for_others(
    providers: Providers, ours: Registered, provider: Provider, taken: Callable[[str], None]
) -> None:
    for _ in range(EACH_AT_ONCE):
        taken("slow")
    assert is_busy(providers, "slow")
    assert sign_in(providers, ours, provider).subject == SUBJECT


def test_only_a_few_ask_providers_at_once(
    providers: Providers, ours: Registered, provider: Provider, taken: Callable[[str], None]
) -> None:
    for number in range(AT_ONCE):
        assert not is_busy(providers, f"slow {number}")
        taken(f"slow {number}")
    assert failed(providers, ours, provider) == "BUSY"
    assert provider.asked == []


def test_a_turn_is_waited_for(providers: Providers, ours: Registered, provider: Provider) -> None:
    with ExitStack() as turns:
        for _ in range(EACH_AT_ONCE):
            turns.enter_context(providers._turn(ours.issuer))
        leaving = Timer(0.2, turns.pop_all().close)
        leaving.start()
        assert sign_in(providers, ours, provider).subject == SUBJECT
        leaving.join()


def test_one_thread_waits_for_a_turn_with_the_same_one_and_two_in_all(
    providers: Providers, taken: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for issuer in ("one", "one", "two", "two"):
        taken(issuer)
    monkeypatch.setattr(upstreams_provider, "TURN_SECONDS", 5.0)
    # Whoever waits would do so for longer than a test may.
    providers._waiting.add("one")
    assert is_busy(providers, "one")
    providers._waiting.add("two")
    assert is_busy(providers, "three")


def test_one_that_does_not_say_what_it_is_is_not_asked_anew_for_half_a_minute(
    providers: Providers, ours: Registered, provider: Provider, clock: Clock
) -> None:
    provider.answers[DOCUMENT] = (503, {}, b"")
    assert failed(providers, ours, provider) == "STATUS"
    clock.now = 29
    assert failed(providers, ours, provider) == "STATUS"
    assert provider.asked == [DOCUMENT]
    del provider.answers[DOCUMENT]
    clock.now = 30
    assert sign_in(providers, ours, provider).subject == SUBJECT


def test_one_that_is_not_there_is_trouble(providers: Providers, ours: Registered) -> None:
    with pytest.raises(Trouble) as trouble:
        providers.published(replace(ours, issuer="http://127.0.0.1:1"))
    assert trouble.value.code == "UNREACHABLE"


@pytest.mark.parametrize(
    "published",
    [
        7,
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "new"},
        {"kty": "EC"},
        {"kty": "EC", "crv": "P-256", "x": 7, "y": 7},
        {"kty": "RSA", "e": "AQAB", "n": f"{'_' * 170}8"},
        dict(ECKey.generate_key("P-256").as_dict(private=True)),
        {**ECKey.generate_key("P-256").as_dict(private=False), "use": "enc"},
    ],
)
def test_a_key_of_no_use_is_passed_over(published: object) -> None:
    good = ECKey.generate_key("P-256", {"kid": "good"}).as_dict(private=False)
    assert [key.kid for key in public_keys({"keys": [published, good]})] == ["good"]


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 256},
        {"sub": "é"},
        {"iat": None},
        {"iat": True},
        {"iat": "now"},
        {"exp": 1e300},
        {"exp": None},
        {"aud": None},
        {"aud": []},
        {"nonce": 7},
        {"auth_time": "now"},
        {"nbf": "now"},
    ],
)
def test_a_token_that_says_less_or_something_odd_is_not_believed(
    provider: Provider, claims: dict[str, Any]
) -> None:
    provider.claims = claims
    with pytest.raises(Trouble):
        read(provider.id_token(SENT.nonce), [provider.key], expected(provider))


def test_what_it_says_of_how_she_signed_in_is_read_and_nothing_else(provider: Provider) -> None:
    provider.claims = {
        "acr": "gold",
        "amr": ["pwd", 7],
        "email": "x",
        "aud": [CLIENT, "other"],
        "azp": CLIENT,
    }
    said = read(provider.id_token(SENT.nonce), [provider.key], expected(provider))
    assert (said.subject, said.references) == (SUBJECT, frozenset({"gold", "pwd"}))
    assert said.signed_in_at is not None
