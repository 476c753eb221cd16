"""What a client may be registered with."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from pat_auth.clients import rules
from pat_auth.clients.models import ClientKind, Serves
from pat_platform.errors import Refused

PUBLIC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "cudVPNK12157L74tyiht0HIIt1z0SPIbG8GqgIknFtg",
    "y": "2nXY1jZx3l2ZokAWxFEP6LO1wo2g8PZgTmLOa9On2z4",
}
THUMBPRINT = "1HJg_CD2lSLVRmhYPtFM3TpFk-_mig8Mw7l7kaLyWUU"


def addresses(*given: str, allows_loopback: bool = False) -> list[str]:
    return rules.are_addresses(given, field="redirectUris", allows_loopback=allows_loopback)


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.org/back",
        "https://app.example.org/",
        "https://app.example.org:8443/a/b;c=d/e%20f,(g)",
        "https://xn--p1ai.example/~me/@you",
        "https://203.0.113.7/back",
        "https://app.example.org/.well-known/back",
        "https://app.example.org/...",
    ],
)
def test_an_address_that_is_written_whole_is_kept_as_it_is(address: str) -> None:
    assert addresses(address) == [address]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://app.example.org",
        "app.example.org/back",
        "//app.example.org/back",
        "/back",
        "http://app.example.org/back",
        "HTTPS://app.example.org/back",
        "https://App.example.org/back",
        "https://app.example.org./back",
        "https://*.example.org/back",
        "https://app.example.org/*",
        "https://app.example.org/back?x=1",
        "https://app.example.org/back?",
        "https://app.example.org/back#x",
        "https://app.example.org/back#",
        "https://somebody@app.example.org/back",
        "https://app.example.org:pass@evil.example/back",
        "https://app.example.org\\@evil.example/back",
        "https://app.example.org:0/back",
        "https://app.example.org:65536/back",
        "https://app.example.org:/back",
        "https://app.example.org/../back",
        "https://app.example.org/a/./back",
        "https://app.example.org/a/%2E%2e/back",
        "https://app.example.org/a%2",
        "https://app.example.org/a b",
        "https://app.example.org/back\n",
        " https://app.example.org/back",
        "https://app.example.org/ü",
        "https://ü.example/back",
        "https://-app.example.org/back",
        "https://[2001:db8::1]/back",
        "javascript:alert(1)",
        "data:text/html,x",
        "org.example.app:/back",
        "https://app.example.org/" + "a" * 500,
        "https://localhost/back",
        "http://localhost:5173/back",
        "http://127.0.0.1:5173/back",
        "http://[::1]:5173/back",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_or_leads_elsewhere_is_refused(address: str) -> None:
    with pytest.raises(Refused) as refused:
        addresses("https://app.example.org/back", address)
    assert (refused.value.code, refused.value.field) == ("ADDRESS_INVALID", "redirectUris")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_whoever_develops_a_client_may_be_sent_back_to_her_own_machine(host: str) -> None:
    address = f"http://{host}:5173/back"
    assert addresses(address, allows_loopback=True) == [address]


@pytest.mark.parametrize("host", ["localhost.example.org", "127.0.0.2", "app.example.org", "0.0.0.0"])
def test_no_other_machine_is_taken_for_her_own(host: str) -> None:
    with pytest.raises(Refused):
        addresses(f"http://{host}:5173/back", allows_loopback=True)


def test_each_address_is_kept_once_in_its_order() -> None:
    first, second = "https://b.example/back", "https://a.example/back"
    assert addresses(first, second, first) == [first, second]


def test_there_are_not_too_many_addresses() -> None:
    assert len(addresses(*(f"https://app.example.org/{n}" for n in range(10)))) == 10
    with pytest.raises(Refused) as refused:
        addresses(*(f"https://app.example.org/{n}" for n in range(11)))
    assert refused.value.code == "ADDRESSES_TOO_MANY"


@pytest.mark.parametrize("kind", [ClientKind.PUBLIC, ClientKind.CONFIDENTIAL])
def test_whoever_signs_in_is_sent_back_somewhere(kind: ClientKind) -> None:
    rules.leads_back(kind, ["https://app.example.org/back"])
    with pytest.raises(Refused) as refused:
        rules.leads_back(kind, [])
    assert (refused.value.code, refused.value.field) == ("ADDRESS_MISSING", "redirectUris")


def test_nobody_is_sent_back_to_a_machine() -> None:
    rules.leads_back(ClientKind.MACHINE, [])
    with pytest.raises(Refused) as refused:
        rules.leads_back(ClientKind.MACHINE, ["https://app.example.org/back"])
    assert (refused.value.code, refused.value.field) == ("ADDRESS_NOT_USED", "redirectUris")


@pytest.mark.parametrize("kind", [ClientKind.CONFIDENTIAL, ClientKind.MACHINE])
def test_a_client_that_is_not_public_begins_with_a_key(kind: ClientKind) -> None:
    key = rules.first_key(kind, json.dumps(PUBLIC_KEY))
    assert key == {**PUBLIC_KEY, "kid": THUMBPRINT}
    with pytest.raises(Refused) as refused:
        rules.first_key(kind, None)
    assert (refused.value.code, refused.value.field) == ("KEY_MISSING", "jwk")


def test_a_public_client_begins_without_a_key() -> None:
    assert rules.first_key(ClientKind.PUBLIC, None) is None
    with pytest.raises(Refused) as refused:
        rules.first_key(ClientKind.PUBLIC, json.dumps(PUBLIC_KEY))
    assert (refused.value.code, refused.value.field) == ("KEY_NOT_USED", "jwk")


@pytest.mark.parametrize("origin", ["https://app.example.org", "https://app.example.org:8443"])
def test_an_origin_as_browsers_write_it_is_kept(origin: str) -> None:
    assert rules.are_origins([origin, origin], allows_loopback=False) == [origin]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "https://*.example.org",
        "https://app.example.org/",
        "https://app.example.org:443",
        "https://App.example.org",
        "http://app.example.org",
        "http://localhost:5173",
        "https://app.example.org\n",
        "https://app.example.org:99999",
        "",
    ],
)
def test_what_no_browser_would_send_as_its_origin_is_refused(origin: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.are_origins([origin], allows_loopback=False)
    assert (refused.value.code, refused.value.field) == ("ORIGIN_INVALID", "origins")


def test_a_page_on_the_machine_of_whoever_develops_it_has_an_origin_too() -> None:
    assert rules.are_origins(["http://localhost:5173"], allows_loopback=True) == ["http://localhost:5173"]
    with pytest.raises(Refused):
        rules.are_origins(["http://localhost:80"], allows_loopback=True)


def test_scopes_are_kept_once_in_order_of_name() -> None:
    assert rules.are_scopes(["identity", "cases", "identity"]) == ["cases", "identity"]
    assert rules.are_scopes([]) == []


@pytest.mark.parametrize("scope", ["openid", "everything", "cases identity", "Cases", ""])
def test_a_scope_that_there_is_not_is_refused_and_not_repeated(scope: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.are_scopes(["cases", scope])
    assert (refused.value.code, refused.value.field) == ("SCOPE_UNKNOWN", "scopes")
    assert "everything" not in refused.value.message


def test_a_machine_asks_for_something_and_for_its_own_organisation() -> None:
    rules.asks_for_itself(ClientKind.MACHINE, ["cases"])
    for kind in (ClientKind.PUBLIC, ClientKind.CONFIDENTIAL):
        rules.asks_for_itself(kind, [], Serves.NETWORK)
    for scopes, serves, code in (
        ([], Serves.ORGANISATION, "SCOPE_MISSING"),
        (["cases"], Serves.NETWORK, "MACHINE_OF_ONE"),
    ):
        with pytest.raises(Refused) as refused:
            rules.asks_for_itself(ClientKind.MACHINE, scopes, serves)
        assert refused.value.code == code


def test_a_client_has_a_name_that_people_can_read() -> None:
    assert rules.is_a_name("  Our case book ") == "Our case book"
    for name, code in {" ": "NAME_EMPTY", "a\u202eb": "TEXT_INVALID", "a\nb": "TEXT_INVALID"}.items():
        with pytest.raises(Refused) as refused:
            rules.is_a_name(name)
        assert (refused.value.code, refused.value.field) == (code, "name")
    with pytest.raises(Refused):
        rules.is_a_name("x" * 81)


def test_a_public_key_is_kept_without_anything_that_is_not_needed() -> None:
    given = {**PUBLIC_KEY, "use": "sig", "alg": "ES256", "key_ops": ["verify"], "ext": True}
    assert rules.is_a_public_key(json.dumps(given)) == {**PUBLIC_KEY, "kid": THUMBPRINT}


def test_a_key_is_found_by_the_id_that_its_owner_gave_it() -> None:
    assert rules.is_a_public_key(json.dumps({**PUBLIC_KEY, "kid": "2026-11"}))["kid"] == "2026-11"


def test_a_private_key_is_refused_by_name() -> None:
    private = ECKey.generate_key("P-256").as_dict(private=True)
    with pytest.raises(Refused) as refused:
        rules.is_a_public_key(json.dumps(private))
    assert refused.value.code == "KEY_PRIVATE"


NO_KEYS: list[object] = [
    {},
    [],
    "text",
    PUBLIC_KEY | {"x": "aaaa"},
    PUBLIC_KEY | {"x": PUBLIC_KEY["y"]},
    PUBLIC_KEY | {"x": 5},
    PUBLIC_KEY | {"x": None},
    PUBLIC_KEY | {"crv": "secp256k1"},
    PUBLIC_KEY | {"kty": "OKP"},
    PUBLIC_KEY | {"kid": ""},
    PUBLIC_KEY | {"kid": "a b"},
    PUBLIC_KEY | {"kid": "a" * 101},
    PUBLIC_KEY | {"kid": 5},
    PUBLIC_KEY | {"more": "x" * 2_000},
    ECKey.generate_key("P-384").as_dict(private=False),
    RSAKey.generate_key(2048).as_dict(private=False),
    OctKey.generate_key(256).as_dict(private=True),
]


@pytest.mark.parametrize("given", NO_KEYS, ids=range(len(NO_KEYS)))
def test_what_is_no_public_key_on_our_curve_is_refused(given: object) -> None:
    with pytest.raises(Refused) as refused:
        rules.is_a_public_key(json.dumps(given))
    assert (refused.value.code, refused.value.field) == ("KEY_INVALID", "jwk")


@pytest.mark.parametrize("text", ["", "{", "[" * 1_500, "nonsense"])
def test_what_is_no_json_is_no_key(text: str) -> None:
    with pytest.raises(Refused) as refused:
        rules.is_a_public_key(text)
    assert refused.value.code == "KEY_INVALID"


def test_only_a_client_that_signs_has_a_key_to_renew() -> None:
    rules.signs(ClientKind.CONFIDENTIAL)
    rules.signs(ClientKind.MACHINE)
    with pytest.raises(Refused) as refused:
        rules.signs(ClientKind.PUBLIC)
    assert refused.value.code == "CLIENT_WITHOUT_KEY"
