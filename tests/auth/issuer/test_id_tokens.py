"""ID tokens: who signed in, told to one client; they open nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import pytest
from joserfc import jwt
from tests.support.granting import Granting
from tests.support.proving import ISSUER

from pat_auth.keys import key_set, rotate_keys
from pat_platform.errors import Fault


def read(granting: Granting, id_token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The header and the claims, once the signature is right: as a client reads it, among all published keys."""
    keys = key_set(granting.service.keys.read().public_set())
    decoded = jwt.decode(id_token, keys, algorithms=["ES256"])
    return decoded.header, decoded.claims


def test_it_says_who_signed_in_to_whom_when_and_how(granting: Granting) -> None:
    now = int(granting.clock().timestamp())

    tokens = granting.tokens(nonce="n")

    header, claims = read(granting, tokens["id_token"])
    ((handle,),) = granting.rows(
        "select handle::text from sec.sessions where id = %s", granting.principal(tokens).session
    )
    digest = sha256(tokens["access_token"].encode()).digest()[:16]
    who = granting.who
    assert header == {"alg": "ES256", "typ": "JWT", "kid": granting.service.keys.read().current.kid}
    assert claims == {
        "iss": ISSUER,
        "sub": str(who.person),
        "aud": str(granting.client),
        "iat": now,
        "exp": now + 3600,
        "auth_time": now,
        "nonce": "n",
        "acr": "2",
        "amr": ["mfa", "otp", "pwd"],
        "at_hash": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "sid": handle,
        "org": str(who.organisation),
        "role": "case_manager",
    }


def test_when_she_signed_in_is_not_when_the_code_was_made(granting: Granting) -> None:
    standing = granting.standing()
    granting.clock.pass_by(minutes=30)

    tokens = granting.exchange_of(granting.conclude(granting.wish(), standing))

    _, claims = read(granting, tokens["id_token"])
    assert claims["auth_time"] == int(standing.first_at.timestamp())
    assert claims["iat"] - claims["auth_time"] == 1800


def test_without_a_nonce_it_has_none(granting: Granting) -> None:
    _, claims = read(granting, granting.tokens()["id_token"])

    assert "nonce" not in claims


def test_there_is_none_for_whoever_does_not_ask_for_it(granting: Granting) -> None:
    tokens = granting.tokens(scope="cases", nonce="n")

    assert set(tokens) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}


def test_the_sessions_secret_is_in_no_claim(granting: Granting) -> None:
    tokens = granting.tokens()
    session = str(granting.principal(tokens).session)

    header, claims = read(granting, tokens["id_token"])

    assert session not in repr((header, claims))


def test_it_is_no_access_token(granting: Granting) -> None:
    with pytest.raises(Fault, match="UNAUTHENTICATED"):
        granting.service.verifier.verify(granting.tokens()["id_token"])


def test_after_a_rotation_the_next_key_signs_and_the_token_of_before_is_still_read(
    granting: Granting, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = granting.tokens()
    rotate_keys(granting.folder)
    monkeypatch.setattr(granting.service.keys, "_next_look", 0)

    after = granting.tokens()

    first, _ = read(granting, before["id_token"])
    second, _ = read(granting, after["id_token"])
    assert first["kid"] != second["kid"]
    assert len(granting.service.keys.read().published) == 3
    assert granting.principal(before).person == granting.principal(after).person
