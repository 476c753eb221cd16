"""Access tokens: what we mint is accepted, whatever else looks like one is not."""

import base64
import hmac
import json
import time
import timeit
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import ECKey, OctKey

from pat_auth.keys import KeysInFile, SigningKeys, rotate_keys
from pat_auth.policy import Role
from pat_auth.principal import Principal
from pat_auth.tokens import LIFETIME, FollowingVerifier, Verifier, mint
from pat_platform.errors import Fault

ISSUER = "https://pat.example"
AUDIENCE = "https://pat.example/graphql"
KEYS = SigningKeys.generate()
PRINCIPAL = Principal(
    person=UUID("0b5f7a51-5f0c-4d1e-9a3e-6f6d7c1b2a01"),
    organisation=UUID("2517ce49-dffc-4cd6-bb4b-e84a12e89c91"),
    role=Role.CASE_MANAGER,
    session=UUID("9c6a2f0e-8b7d-4c55-8f3a-1d2e3c4b5a69"),
    scopes=frozenset({"cases", "identity"}),
    client="caseboard",
)


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def verifier(clock: Clock) -> Verifier:
    return Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock)


def minted(clock: Callable[[], float] = time.time, **changes: Any) -> str:
    arguments: dict[str, Any] = {"keys": KEYS, "issuer": ISSUER, "audience": AUDIENCE, "clock": clock}
    return mint(PRINCIPAL, **(arguments | changes))


def part(token: str, number: int) -> dict[str, Any]:
    segment = token.split(".")[number]
    content: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return content


def encoded(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def forged(
    claims: dict[str, Any] | None = None, header: dict[str, Any] | None = None, key: ECKey = KEYS.current
) -> str:
    """A token signed with our key, or another, whose claims and header were changed; None removes one."""
    now = int(time.time())
    original = part(minted(clock=lambda: now), 1)
    changed = {name: value for name, value in (original | (claims or {})).items() if value is not None}
    headers = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.current.kid} | (header or {})
    headers = {name: value for name, value in headers.items() if value is not None}
    return jwt.encode(headers, changed, key, algorithms=["ES256"], default_type=None)


def is_refused(verifier: Verifier, token: str) -> bool:
    with pytest.raises(Fault) as caught:
        verifier.verify(token)
    assert caught.value.code == "UNAUTHENTICATED"
    assert caught.value.message == "Sign in again: the access token is missing, expired or not valid."
    return True


def test_a_minted_token_gives_back_who_it_was_minted_for(verifier: Verifier, clock: Clock) -> None:
    assert verifier.verify(minted(clock)) == PRINCIPAL


def test_the_login_of_a_principal_names_organisation_and_role() -> None:
    organisation = UUID("0b6f6f5e-6a3c-4a1f-9a57-0d7a6a0a1b2c")
    principal = Principal(uuid4(), organisation, Role.SOCIAL_WORKER, uuid4(), frozenset(), "client")
    assert principal.login == "org_0b6f6f5e6a3c4a1f9a570d7a6a0a1b2c_social_worker"
    assert all(len(f"org_{organisation.hex}_{role}") <= 63 for role in Role)


def test_a_token_has_the_form_of_rfc_9068(clock: Clock) -> None:
    token = minted(clock)
    now = int(clock.now)
    assert part(token, 0) == {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.current.kid}
    claims = part(token, 1)
    assert UUID(claims.pop("jti")).version == 4
    assert claims == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(PRINCIPAL.person),
        "org": str(PRINCIPAL.organisation),
        "role": "case_manager",
        "sid": str(PRINCIPAL.session),
        "client_id": "caseboard",
        "scope": "cases identity",
        "iat": now,
        "exp": now + 300,
    }


def test_a_token_says_when_and_how_somebody_signed_in_where_somebody_did(
    verifier: Verifier, clock: Clock
) -> None:
    signed_in = replace(PRINCIPAL, auth_time=int(clock.now) - 7, acr="2")
    token = mint(signed_in, keys=KEYS, issuer=ISSUER, audience=AUDIENCE, clock=clock)
    assert part(token, 1).items() >= {"auth_time": int(clock.now) - 7, "acr": "2"}.items()
    assert verifier.verify(token) == signed_in
    assert not part(minted(clock), 1).keys() & {"auth_time", "acr"}


def test_two_tokens_of_one_moment_differ(clock: Clock) -> None:
    assert part(minted(clock), 1)["jti"] != part(minted(clock), 1)["jti"]


def test_a_client_without_scopes_is_somebody_who_may_ask_for_nothing(verifier: Verifier) -> None:
    assert verifier.verify(forged({"scope": ""})).scopes == frozenset()


def test_tokens_of_the_retired_and_of_the_next_key_are_accepted(clock: Clock) -> None:
    rotated = KEYS.rotated()
    after = Verifier(rotated.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    before = Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    assert after.verify(minted(clock)) == PRINCIPAL
    assert before.verify(minted(clock, keys=rotated)) == PRINCIPAL


def test_a_token_of_a_forgotten_key_is_refused(clock: Clock) -> None:
    later = Verifier(KEYS.rotated().rotated().public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    assert is_refused(later, minted(clock))


def test_an_unsigned_token_is_refused(verifier: Verifier) -> None:
    _, payload, signature = minted().split(".")
    for algorithm in ("none", "None", "NONE", ""):
        header = encoded({"alg": algorithm, "typ": "at+jwt", "kid": KEYS.current.kid})
        assert is_refused(verifier, f"{header}.{payload}.")
        assert is_refused(verifier, f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("form", [Encoding.PEM, Encoding.DER])
def test_our_public_key_is_no_secret_to_sign_with(verifier: Verifier, form: Encoding) -> None:
    public = KEYS.current.public_key.public_bytes(form, PublicFormat.SubjectPublicKeyInfo)
    header = encoded({"alg": "HS256", "typ": "at+jwt", "kid": KEYS.current.kid})
    body = f"{header}.{minted().split('.')[1]}"
    signature = base64.urlsafe_b64encode(hmac.digest(public, body.encode(), sha256)).decode().rstrip("=")
    assert is_refused(verifier, f"{body}.{signature}")


@pytest.mark.parametrize(
    "algorithm", ["HS256", "ES384", "RS256", "EdDSA", "A128KW", ["ES256"], {"a": 1}, 1, None]
)
def test_no_other_algorithm_is_accepted(verifier: Verifier, algorithm: object) -> None:
    _, payload, signature = minted().split(".")
    header = encoded({"alg": algorithm, "typ": "at+jwt", "kid": KEYS.current.kid})
    assert is_refused(verifier, f"{header}.{payload}.{signature}")


def test_a_shared_secret_signs_nothing(verifier: Verifier) -> None:
    header = {"alg": "HS256", "typ": "at+jwt", "kid": KEYS.current.kid}
    token = jwt.encode(header, part(minted(), 1), OctKey.generate_key(256), algorithms=["HS256"])
    assert is_refused(verifier, token)


def test_a_key_of_somebody_else_is_refused_whatever_it_is_called(verifier: Verifier) -> None:
    stranger = ECKey.generate_key("P-256")
    assert is_refused(verifier, forged(key=stranger))
    assert is_refused(verifier, forged(header={"kid": "unknown"}, key=stranger))


def test_an_unknown_or_missing_key_name_is_refused(verifier: Verifier) -> None:
    assert is_refused(verifier, forged(header={"kid": "unknown"}))
    assert is_refused(verifier, forged(header={"kid": None}))


def test_a_missing_key_name_is_refused_though_one_key_is_known(clock: Clock) -> None:
    only = {"keys": KEYS.public_set()["keys"][:1]}
    verifier = Verifier(only, issuer=ISSUER, audience=AUDIENCE)
    assert is_refused(verifier, forged(header={"kid": None}))
    assert verifier.verify(forged()) == PRINCIPAL


def test_a_key_in_the_header_is_never_used(verifier: Verifier) -> None:
    stranger = ECKey.generate_key("P-256")
    jwk = stranger.as_dict(private=False)
    for extra in (
        {"jwk": jwk},
        {"jwk": jwk, "kid": None},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/chain"},
        {"x5c": ["MIIB"]},
        {"cty": "JWT"},
    ):
        assert is_refused(verifier, forged(header=extra, key=stranger))
        assert is_refused(verifier, forged(header=extra))


@pytest.mark.parametrize(
    "type_", [None, "JWT", "jwt", "id+jwt", "logout+jwt", "AT+JWT", "application/at+jwt"]
)
def test_a_token_of_another_type_is_refused(verifier: Verifier, type_: str | None) -> None:
    assert is_refused(verifier, forged(header={"typ": type_}))


def test_an_identity_token_is_no_access_token(verifier: Verifier) -> None:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": "caseboard", "sub": str(PRINCIPAL.person), "iat": now, "exp": now + 300}
    header = {"alg": "ES256", "typ": "JWT", "kid": KEYS.current.kid}
    assert is_refused(verifier, jwt.encode(header, claims, KEYS.current, algorithms=["ES256"]))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": ISSUER + "/"},
        {"iss": [ISSUER]},
        {"aud": "https://other.example"},
        {"aud": ["https://other.example"]},
        {"aud": []},
        {"aud": {"a": AUDIENCE}},
        {"org": "cbo-a"},
        {"org": str(PRINCIPAL.organisation).upper()},
        {"org": "{" + str(PRINCIPAL.organisation) + "}"},
        {"sub": 7},
        {"sid": ["x"]},
        {"role": "superuser"},
        {"role": "CASE_MANAGER"},
        {"role": ["case_manager"]},
        {"scope": ["identity"]},
        {"client_id": 1},
        {"client_id": ""},
        {"jti": 1},
        {"exp": "2099-01-01"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"iat": "now"},
        {"auth_time": "1700000000"},
        {"auth_time": True},
        {"auth_time": 1.7e9},
        {"auth_time": 4_000_000_000},
        {"auth_time": []},
        {"acr": 2},
        {"acr": ["2"]},
        {"nbf": "soon"},
    ],
    ids=str,
)
def test_a_claim_of_another_value_or_form_is_refused(verifier: Verifier, claims: dict[str, Any]) -> None:
    assert is_refused(verifier, forged(claims))


@pytest.mark.parametrize(
    "claim", ["iss", "aud", "sub", "org", "role", "sid", "client_id", "scope", "iat", "exp", "jti"]
)
def test_a_token_without_one_of_its_claims_is_refused(verifier: Verifier, claim: str) -> None:
    assert is_refused(verifier, forged({claim: None}))


@pytest.mark.parametrize("payload", [b"[]", b"null", b"1", b"", b"{", b"[" * 3000, b"\xff"])
def test_a_payload_that_is_no_object_is_refused(verifier: Verifier, payload: bytes) -> None:
    header = {"alg": "ES256", "typ": "at+jwt", "kid": KEYS.current.kid}
    token = jws.serialize_compact(header, payload or b" ", KEYS.current, algorithms=["ES256"])
    assert is_refused(verifier, token)


def test_a_changed_payload_or_signature_is_refused(verifier: Verifier) -> None:
    header, payload, signature = minted().split(".")
    claims = part(f"{header}.{payload}.{signature}", 1)
    promoted = encoded(claims | {"role": "organisation_admin"})
    assert is_refused(verifier, f"{header}.{promoted}.{signature}")
    assert is_refused(verifier, f"{header}.{payload}.{'A' * len(signature)}")
    assert is_refused(verifier, f"{header}.{payload}.{signature[:-8]}")
    assert is_refused(verifier, f"{header}.{payload}.")


def test_a_token_is_refused_from_the_second_it_expires(verifier: Verifier, clock: Clock) -> None:
    token = minted(clock)
    clock.now += LIFETIME - 1
    assert verifier.verify(token) == PRINCIPAL
    clock.now += 1
    assert is_refused(verifier, token)


def test_an_expired_token_is_refused_at_first_sight(verifier: Verifier, clock: Clock) -> None:
    token = minted(clock)
    clock.now += LIFETIME
    assert is_refused(verifier, token)


def test_a_token_that_is_not_yet_valid_is_refused(verifier: Verifier) -> None:
    assert is_refused(verifier, forged({"nbf": int(time.time()) + 60}))
    ahead = int(time.time()) + 60
    assert is_refused(verifier, forged({"iat": ahead, "exp": ahead + LIFETIME}))


def test_a_clock_a_few_seconds_behind_the_issuer_is_forgiven(verifier: Verifier, clock: Clock) -> None:
    token = minted(clock)
    clock.now -= 4
    assert verifier.verify(token) == PRINCIPAL


def test_a_token_that_lives_longer_than_we_mint_is_refused(clock: Clock) -> None:
    token = minted(clock, lifetime=3600)
    strict = Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock)
    patient = Verifier(
        KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock, longest_lifetime=3600
    )
    assert is_refused(strict, token)
    assert patient.verify(token) == PRINCIPAL


def test_a_huge_token_is_refused_before_it_is_read(verifier: Verifier) -> None:
    assert is_refused(verifier, "A" * 10_000_000)
    assert is_refused(verifier, forged({"padding": "x" * 5000}))


@given(st.text() | st.builds(".".join, st.lists(st.text(alphabet="Aa0_-=eyJ"), min_size=3, max_size=3)))
def test_any_text_is_refused_with_the_same_sentence(token: str) -> None:
    assert is_refused(Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE), token)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
    | st.dictionaries(
        st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "x5c"]),
        st.sampled_from(["ES256", "at+jwt", KEYS.current.kid, 1, None, [], {}, ["b64"]]),
    )
)
def test_any_header_is_refused_with_the_same_sentence(header: object) -> None:
    _, payload, signature = minted().split(".")
    verifier = Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE)
    assert is_refused(verifier, f"{encoded(header)}.{payload}.{signature}")


def test_a_token_seen_before_is_not_verified_again(
    verifier: Verifier, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = minted(clock)
    first = verifier.verify(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert verifier.verify(token) is first


def test_a_token_seen_before_costs_next_to_nothing(tmp_path: Path) -> None:
    keys = KeysInFile(tmp_path)
    following = FollowingVerifier(keys, partial(Verifier, issuer=ISSUER, audience=AUDIENCE))
    token = mint(PRINCIPAL, keys=keys.read(), issuer=ISSUER, audience=AUDIENCE)
    following.verify(token)

    # The quickest of many turns: whatever else this machine does takes time of the others.
    seconds = min(timeit.repeat(lambda: following.verify(token), repeat=50, number=100)) / 100

    assert seconds <= 20e-6


def test_a_refused_token_is_never_remembered(verifier: Verifier, clock: Clock) -> None:
    token = minted(lambda: clock.now + 60)
    assert is_refused(verifier, token)
    clock.now += 60
    assert verifier.verify(token) == PRINCIPAL


def test_the_least_recently_used_token_is_forgotten_first(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier(KEYS.public_set(), issuer=ISSUER, audience=AUDIENCE, clock=clock, remembered=2)
    kept, forgotten, newest = minted(clock), minted(clock), minted(clock)
    for token in (kept, forgotten, kept, newest):
        verifier.verify(token)
    monkeypatch.setattr(jwt, "decode", None)
    assert verifier.verify(kept) == verifier.verify(newest) == PRINCIPAL
    assert is_refused(verifier, forgotten)


def test_after_a_rotation_tokens_of_the_former_key_are_still_good_and_after_two_they_are_not(
    tmp_path: Path,
) -> None:
    times = Clock()
    keys = KeysInFile(tmp_path, clock=times)
    verifier = FollowingVerifier(keys, partial(Verifier, issuer=ISSUER, audience=AUDIENCE))
    first = minted(keys=keys.read())
    assert verifier.verify(first) == PRINCIPAL
    rotate_keys(tmp_path)
    times.now += 1
    second = minted(keys=keys.read())
    assert part(first, 0)["kid"] != part(second, 0)["kid"]
    assert [verifier.verify(token) for token in (first, second)] == [PRINCIPAL] * 2
    rotate_keys(tmp_path)
    times.now += 1
    assert verifier.verify(second) == PRINCIPAL
    # It was remembered as good: that is forgotten with the key.
    with pytest.raises(Fault, match="UNAUTHENTICATED"):
        verifier.verify(first)


def test_a_token_signed_with_the_next_key_is_good_before_a_server_has_noticed_the_rotation(
    tmp_path: Path,
) -> None:
    keys = KeysInFile(tmp_path, clock=Clock())
    verifier = FollowingVerifier(keys, partial(Verifier, issuer=ISSUER, audience=AUDIENCE))
    assert verifier.verify(minted(keys=rotate_keys(tmp_path))) == PRINCIPAL
