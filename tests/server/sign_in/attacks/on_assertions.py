"""Assertions of clients with a key of their own: replayed, forged, or made for somebody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
from joserfc.jwk import ECKey
from tests.server.sign_in.attacks.scene import EVIL, Attack, Scene, always
from tests.support.asserting import Signer, new_key, public
from tests.support.cutting import Cut, Line, Value
from tests.support.proving import ISSUER

from pat_auth.clients.models import ClientKind
from pat_auth.issuer import assertions
from pat_auth.issuer.assertions import Assertion

REFUSED = "401 invalid_client"
_CLAIMS = Assertion.process_assertion_claims
_SAYS = Assertion.verify_claims
SIGNATURE = Line(
    _CLAIMS,
    "jwt.decode(assertion, resolve_key, algorithms=[ALGORITHM])",
    "__import__('tests.support.cutting', fromlist=['x']).unverified(assertion)",
)
HEADER = Line(_CLAIMS, 'if header.pop("typ", None) not in _TYPES or set(header) != _HEADERS:', "if False:")
SHORT = Line(
    _SAYS,
    "is_short = now < expires_at <= now + LONGEST_LIFE and expires_at - made_at <= LONGEST_LIFE",
    "is_short = True",
)
OURS = Line(
    _SAYS,
    'is_ours = isinstance(claims["aud"], str) and claims["aud"] in self.get_audiences()',
    "is_ours = True",
)
REGISTRY = Line(
    _SAYS,
    "JWTClaimsRegistry(now=lambda: int(now), leeway=_SKEW, **expected).validate(dict(claims))",
    "pass",
)
ONCE = Value(Assertion, "validate_jti", always)


def signer(scene: Scene, key: ECKey | None = None) -> Signer:
    """A client that exchanges codes and signs for it, and its key or another that calls itself so."""
    granting, own = scene.granting, new_key()
    granting.client = granting.put_client(scopes=("cases",), kind=ClientKind.CONFIDENTIAL, keys=[public(own)])
    return Signer(granting.client, ISSUER, granting.clock().timestamp(), key or own)


def shown(scene: Scene, signer: Signer, assertion: str) -> httpx.Response:
    form = signer.form(assertion)
    return scene.exchange(
        scene.granting.code(),
        client_assertion=assertion,
        client_assertion_type=form["client_assertion_type"],
    )


def attack(
    name: str,
    *guard: Cut,
    key: ECKey | None = None,
    header: dict[str, Any] | None = None,
    claims: Callable[[Scene], dict[str, Any]] = lambda _: {},
) -> Attack:
    def attempt(scene: Scene) -> Any:
        made = signer(scene, key)
        return shown(scene, made, made.signed(header, **claims(scene)))

    return Attack(f"assertion: {name}", REFUSED, attempt, guard)


def replayed(scene: Scene) -> Any:
    made = signer(scene)
    assertion = made.signed()
    assert shown(scene, made, assertion).status_code == 200
    return shown(scene, made, assertion)


def replayed_after_a_refusal(scene: Scene) -> Any:
    """What it was shown for was refused, and it counts all the same."""
    made = signer(scene)
    assertion = made.signed()
    scene.exchange(
        "no code",
        client_assertion=assertion,
        client_assertion_type=made.form(assertion)["client_assertion_type"],
    )
    return shown(scene, made, assertion)


def later(scene: Scene, seconds: int) -> int:
    return int(scene.granting.clock().timestamp()) + seconds


STRANGER = new_key()

ATTACKS = (
    Attack("assertion: replayed", REFUSED, replayed, (ONCE,)),
    Attack("assertion: replayed after a refusal", REFUSED, replayed_after_a_refusal, (ONCE,)),
    attack("another's signature", SIGNATURE, key=STRANGER),
    attack(
        "another's signature, with its key", SIGNATURE, HEADER, key=STRANGER, header={"jwk": public(STRANGER)}
    ),
    attack("that says where its key is", HEADER, header={"jku": EVIL}),
    attack("of another type", HEADER, header={"typ": "at+jwt"}),
    attack("for another issuer", OURS, claims=lambda _: {"aud": EVIL}),
    attack("for several", OURS, claims=lambda _: {"aud": [ISSUER, EVIL]}),
    attack("by another issuer", REGISTRY, claims=lambda _: {"iss": EVIL}),
    attack("not valid yet", REGISTRY, claims=lambda scene: {"nbf": later(scene, 3600)}),
    attack("for an hour", SHORT, claims=lambda scene: {"exp": later(scene, 3600)}),
    attack("expired", SHORT, REGISTRY, claims=lambda s: {"iat": later(s, -3600), "exp": later(s, -3500)}),
    attack(
        "huge",
        Value(assertions, "LONGEST_ASSERTION", 10**6),
        claims=lambda _: {"x": "x" * 5000},
    ),
)
