"""Clients with a key of their own: what they sign is believed for what it says, for a short while, and once."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.support.asserting import TYPE, Signer, new_key, public
from tests.support.granting import Granting, refused, said

from pat_auth.clients.models import ClientKind
from pat_auth.issuer.asked import Answer
from pat_auth.issuer.assertions import LONGEST_ID


@pytest.fixture
def signer(granting: Granting) -> Signer:
    """A machine of cbo-a's, with a key."""
    made = Signer(uuid4(), granting.service.issuer, granting.clock().timestamp())
    made.client = granting.put_client(kind=ClientKind.MACHINE, redirect_uris=(), keys=[public(made.key)])
    return made


def ask(granting: Granting, signer: Signer, assertion: str | None = None, /, **changes: str | None) -> Answer:
    return granting.post(list(signer.form(assertion, **changes).items()))


def spent(granting: Granting, signer: Signer) -> int:
    ((count,),) = granting.rows("select count(*) from sec.assertions where client = %s", signer.client)
    found: int = count
    return found


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": "issuer"},
        {"iat": None},
        {"exp": 300, "iat": 0},
        {"exp": 1, "iat": -299},
        {"iat": 30, "exp": 40},
        {"nbf": 30},
        {"jti": "x" * LONGEST_ID},
        {"more": {"that": ["we", "do", "not", "know"]}},
    ],
)
def test_what_a_machine_signs_for_us_is_believed(
    granting: Granting, signer: Signer, changes: dict[str, Any]
) -> None:
    now = int(signer.now)
    moved = {
        name: now + value if name in ("iat", "exp", "nbf") and value is not None else value
        for name, value in changes.items()
    }
    if changes.get("aud"):
        moved["aud"] = signer.issuer
    assert ask(granting, signer, signer.signed(**moved)).status == 200


@pytest.mark.parametrize("type_", ["JWT", "client-authentication+jwt", None])
def test_a_type_need_not_be_named(granting: Granting, signer: Signer, type_: str | None) -> None:
    assert ask(granting, signer, signer.signed({"typ": type_})).status == 200


def test_the_client_may_be_named_besides(granting: Granting, signer: Signer) -> None:
    assert ask(granting, signer, client_id=str(signer.client)).status == 200
    for other in (str(granting.client), str(uuid4()), str(signer.client).upper()):
        assert refused(ask(granting, signer, client_id=other)) == (401, "invalid_client")


WRONG: dict[str, dict[str, Any]] = {
    "said by another": {"iss": "other"},
    "of another": {"sub": "other"},
    "of and by another": {"iss": "other", "sub": "other"},
    "by nobody": {"iss": None},
    "of nobody": {"sub": None},
    "of no text": {"sub": 5},
    "of what is no id": {"sub": "x", "iss": "x"},
    "for nobody": {"aud": None},
    "for another": {"aud": "https://elsewhere.example/oauth/token"},
    "for the api": {"aud": "https://issuer.example/graphql"},
    "for us and another": {"aud": ["https://issuer.example", "https://elsewhere.example"]},
    "for us alone, in a list": {"aud": ["issuer"]},
    "for whoever begins so": {"aud": "issuer/"},
    "for ever": {"exp": None},
    "for a day": {"exp": 86_400},
    "a second too long": {"exp": 301, "iat": 1},
    "made long ago": {"exp": 60, "iat": -241},
    "expired": {"exp": 0, "iat": -60},
    "expired within the leeway": {"exp": -5, "iat": -60},
    "made in the future": {"iat": 31, "exp": 60},
    "not yet valid": {"nbf": 31},
    "made at no time": {"iat": "now"},
    "valid from no time": {"nbf": "now"},
    "expiring at no time": {"exp": "soon"},
    "expiring at no number": {"exp": True},
    "without an id": {"jti": None},
    "with an empty id": {"jti": ""},
    "with an id that is no text": {"jti": 5},
    "with an endless id": {"jti": "x" * (LONGEST_ID + 1)},
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_said_is_not_believed(granting: Granting, signer: Signer, reason: str) -> None:
    now, issuer = int(signer.now), signer.issuer
    claims: dict[str, Any] = {}
    for name, value in WRONG[reason].items():
        if name in ("iat", "exp", "nbf") and type(value) is int:
            value = now + value
        elif value == "other":
            value = str(granting.client)
        elif name == "aud" and value is not None:
            value = orjson.loads(orjson.dumps(value).replace(b"https://issuer.example", issuer.encode()))
            value = [issuer] if value == ["issuer"] else value
            value = issuer + "/" if value == "issuer/" else value
        claims[name] = value

    assert refused(ask(granting, signer, signer.signed(**claims))) == (401, "invalid_client")
    assert spent(granting, signer) == 0


def encoded(part: object) -> str:
    return urlsafe_b64encode(orjson.dumps(part)).decode().rstrip("=")


def test_no_other_algorithm_is_believed(granting: Granting, signer: Signer) -> None:
    rsa, claims = RSAKey.generate_key(2048), signer.claims()
    (kept,) = granting.rows("select jwk from app.client_keys where client_id = %s", signer.client)
    shared = OctKey.import_key(orjson.dumps(kept[0]))
    forged = [
        f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(claims)}.",
        jwt.encode({"alg": "HS256", "kid": "one"}, claims, shared, algorithms=["HS256"]),
        jwt.encode({"alg": "RS256", "kid": "one"}, claims, rsa, algorithms=["RS256"]),
        jwt.encode({"alg": "ES384", "kid": "one"}, claims, ECKey.generate_key("P-384"), algorithms=["ES384"]),
    ]
    for assertion in forged:
        assert refused(ask(granting, signer, assertion)) == (401, "invalid_client")


def test_no_header_names_or_carries_another_key(granting: Granting, signer: Signer) -> None:
    stranger = new_key("one")
    for header in (
        {"kid": None},
        {"kid": "two"},
        {"typ": "at+jwt"},
        {"jwk": public(signer.key)},
        {"jku": "https://elsewhere.example/keys"},
        {"x5u": "https://elsewhere.example/chain"},
        {"x5c": ["MA=="]},
        {"cty": "JWT"},
    ):
        assert refused(ask(granting, signer, signer.signed(header))) == (401, "invalid_client"), header
    signer.key = stranger
    for header in ({}, {"jwk": public(stranger)}):
        assert refused(ask(granting, signer, signer.signed(header))) == (401, "invalid_client"), header
    assert spent(granting, signer) == 0


def test_what_cannot_be_read_is_nobody(granting: Granting, signer: Signer) -> None:
    half = orjson.dumps(signer.claims(jti="half")).replace(b'"half"', b'"\\ud800"')
    deep = "[" * 2_000 + "]" * 2_000
    for assertion in (
        *("x", "..", "a.b.c", "é", "9" * 5_000),
        f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{encoded([])}.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{encoded('sub')}.AA",
        f"{encoded([])}.{encoded(signer.claims())}.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{urlsafe_b64encode(deep[:2_000].encode()).decode()}.AA",
        f"{encoded({'alg': 'ES256', 'kid': 'one'})}.{urlsafe_b64encode(b'9' * 2_000).decode()}.AA",
        signer.signed()[:-4] + "AAAA",
        jws.serialize_compact(signer.header(), half, signer.key, algorithms=["ES256"]),
        signer.signed(padding="x" * 4_096),
    ):
        assert refused(ask(granting, signer, assertion)) == (401, "invalid_client")


def test_an_assertion_counts_once_whatever_was_answered(granting: Granting, signer: Signer) -> None:
    assertion = signer.signed()
    assert refused(ask(granting, signer, assertion, scope="identity")) == (400, "invalid_scope")
    assert refused(ask(granting, signer, assertion)) == (401, "invalid_client")
    # The same id in another assertion is the same; that of another client's is not.
    said_again = signer.signed(jti="once")
    assert ask(granting, signer, said_again).status == 200
    assert refused(ask(granting, signer, signer.signed(jti="once"))) == (401, "invalid_client")
    other = Signer(uuid4(), signer.issuer, signer.now)
    other.client = granting.put_client(kind=ClientKind.MACHINE, keys=[public(other.key)])
    assert ask(granting, other, other.signed(jti="once")).status == 200


def test_that_it_counted_is_kept_for_longer_than_it_lasts(granting: Granting, signer: Signer) -> None:
    ask(granting, signer, signer.signed(jti="once"))
    ((until,),) = granting.rows("select expires_at from sec.assertions where client = %s", signer.client)
    assert until - granting.clock() >= timedelta(minutes=5)


def test_a_key_is_believed_until_it_is_retired(granting: Granting, signer: Signer) -> None:
    second = Signer(signer.client, signer.issuer, signer.now, new_key("two"))
    granting.rows(
        "insert into app.client_keys (organisation_id, client_id, kid, jwk, created_by)"
        " select organisation_id, id, 'two', %s, created_by from app.clients where id = %s",
        orjson.dumps(public(second.key)).decode(),
        signer.client,
    )
    for each in (signer, second):
        assert ask(granting, each).status == 200
    granting.rows(
        "update app.client_keys set retired_at = now() where client_id = %s and kid = 'one'", signer.client
    )
    assert refused(ask(granting, signer)) == (401, "invalid_client")
    assert ask(granting, second).status == 200
    granting.rows("update app.client_keys set retired_at = now() where client_id = %s", signer.client)
    assert refused(ask(granting, second)) == (401, "invalid_client")


def test_whoever_is_no_client_is_told_what_everybody_is_told(granting: Granting, signer: Signer) -> None:
    """Unknown, disabled, without a key, with another's key: nobody finds out which."""
    unknown = Signer(uuid4(), signer.issuer, signer.now, signer.key)
    keyless = Signer(granting.put_client(kind=ClientKind.MACHINE), signer.issuer, signer.now, signer.key)
    public_one = Signer(granting.put_client(keys=[public(signer.key)]), signer.issuer, signer.now, signer.key)
    stranger = Signer(signer.client, signer.issuer, signer.now)
    disabled = Signer(
        granting.put_client(kind=ClientKind.MACHINE, keys=[public(signer.key)]), signer.issuer, signer.now
    )
    granting.rows("update app.clients set disabled_at = now() where id = %s", disabled.client)
    answers = [ask(granting, each) for each in (unknown, keyless, public_one, stranger, disabled)]
    assert refused(answers[0]) == (401, "invalid_client")
    assert {(answer.status, answer.body) for answer in answers} == {(401, answers[0].body)}


@pytest.mark.parametrize(
    "changes",
    [
        {"client_assertion_type": None},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
        {"client_assertion": None},
        {"client_secret": "secret"},
    ],
)
def test_it_is_shown_in_one_way_and_whole(
    granting: Granting, signer: Signer, changes: dict[str, str | None]
) -> None:
    named = {"client_id": str(signer.client), **changes}
    assert refused(ask(granting, signer, **named)) == (401, "invalid_client")


def test_a_header_of_authorization_is_another_way(granting: Granting, signer: Signer) -> None:
    form = list(signer.form().items())
    answer = granting.post(form, headers={"authorization": "Basic eDp5"})
    assert refused(answer) == (401, "invalid_client")


def test_a_server_with_a_key_exchanges_codes_and_refreshes_with_it_alone(granting: Granting) -> None:
    signer = Signer(uuid4(), granting.service.issuer, granting.clock().timestamp())
    signer.client = granting.client = granting.put_client(
        kind=ClientKind.CONFIDENTIAL, scopes=("cases",), keys=[public(signer.key)]
    )

    def shown() -> dict[str, str]:
        return {"client_assertion_type": TYPE, "client_assertion": signer.signed()}

    code = granting.code()
    assert refused(granting.exchange(code)) == (401, "invalid_client")
    tokens = said(granting.exchange(code, **shown()))
    assert granting.principal(tokens).client == str(signer.client)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    named = {**form, "client_id": str(signer.client)}
    assert refused(granting.post(list(named.items()))) == (401, "invalid_client")
    refreshed = granting.post(list({**form, **shown()}.items()))
    assert refreshed.status == 200
    # A machine is what it is not.
    asked = granting.post(list(signer.form().items()))
    assert refused(asked) == (400, "unauthorized_client")


def test_a_public_client_cannot_hide_behind_anothers_key(granting: Granting, signer: Signer) -> None:
    """The code is the public client's, the assertion is another's: neither of both is believed."""
    code = granting.code()
    shown = {"client_assertion_type": TYPE, "client_assertion": signer.signed()}
    assert refused(granting.exchange(code, **shown)) == (401, "invalid_client")
    assert granting.exchange(code).status == 200
