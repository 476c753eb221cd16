"""Keys that could never sign, or that anybody could sign for, are no passkeys."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa

from pat_auth.issuer.public_keys import can_sign, is_a_point

P = 2**255 - 19
OF_ORDER_EIGHT = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
RSA = generate_rsa(65537, 2048).public_key().public_numbers()
SMALL_RSA = generate_rsa(65537, 1024).public_key().public_numbers()  # it is refused
EC = generate_private_key(SECP256R1()).public_key().public_numbers()
EC_384 = generate_private_key(SECP384R1()).public_key().public_numbers()
EDWARDS = Ed25519PrivateKey.generate().public_key().public_bytes_raw()


def raw(number: int, length: int = 0) -> bytes:
    return number.to_bytes(length or (number.bit_length() + 7) // 8, "big")


def key(kind: int, algorithm: int, **parameters: Any) -> bytes:
    """A key as COSE writes it; parameters by their number."""
    numbered = {-int(name.removeprefix("p")): value for name, value in parameters.items()}
    return cbor2.dumps({1: kind, 3: algorithm, **numbered})


def ec(algorithm: int = -7, curve: int = 1, x: bytes = raw(EC.x, 32), y: bytes = raw(EC.y, 32)) -> bytes:
    return key(2, algorithm, p1=curve, p2=x, p3=y)


def rsa(algorithm: int = -257, n: int = RSA.n, e: int = 65537) -> bytes:
    return key(3, algorithm, p1=raw(n), p2=raw(e))


def edwards(algorithm: int = -8, curve: int = 6, x: bytes = EDWARDS) -> bytes:
    return key(1, algorithm, p1=curve, p2=x)


GOOD = {"ES256": ec(), "RS256": rsa(), "RS256 with 3": rsa(e=3), "EdDSA": edwards()}
BAD = {
    "off its curve": ec(y=raw(EC.y ^ 1, 32)),
    "no point": ec(x=bytes(32), y=bytes(32)),
    "beyond the field": ec(x=raw(2**256 - 1)),
    "a point that says RS256": ec(algorithm=-257),
    "a point that says ES384": ec(algorithm=-35),
    "a point of another curve": ec(curve=2),
    "another curve": ec(curve=2, x=raw(EC_384.x, 48), y=raw(EC_384.y, 48)),
    "RSA that says ES256": rsa(algorithm=-7),
    "RSA that says PS256": rsa(algorithm=-37),
    "RSA that is small": rsa(n=SMALL_RSA.n),
    "RSA that is even": rsa(n=RSA.n + 1),
    "RSA that is endless": rsa(n=(1 << 9000) + 1),
    "RSA that signs nothing": rsa(e=1),
    "RSA with an even exponent": rsa(e=2),
    "RSA with a rare exponent": rsa(e=17),
    "Ed25519 that says ES256": edwards(algorithm=-7),
    "X25519": edwards(curve=4),
    "half a point": edwards(x=EDWARDS[:-1]),
    "what nobody has": key(7, -48, p1=b"x" * 1312),
    "nothing": b"",
    "no CBOR": b"\xff",
    "an empty map": cbor2.dumps({}),
    "a list": cbor2.dumps([1]),
}


@pytest.mark.parametrize("public_key", GOOD.values(), ids=GOOD)
def test_what_phones_sticks_and_computers_make_is_taken(public_key: bytes) -> None:
    assert can_sign(public_key)


@pytest.mark.parametrize("public_key", BAD.values(), ids=BAD)
def test_what_could_never_sign_is_refused(public_key: bytes) -> None:
    assert not can_sign(public_key)


@pytest.mark.parametrize(
    "y",
    [
        # 1, 0, -1, the two of order eight, and the ways of writing them that no library should read.
        *(1, 0, P - 1, P, P + 1),
        *(OF_ORDER_EIGHT, P - OF_ORDER_EIGHT),
    ],
)
@pytest.mark.parametrize("sign", [0, 1])
def test_a_point_that_anybody_signs_for_is_refused(y: int, sign: int) -> None:
    x = (y | sign << 255).to_bytes(32, "little")
    assert not is_a_point(x)
    assert not can_sign(edwards(x=x))


def test_half_of_all_numbers_are_no_point() -> None:
    """Of those that are not, no key is made; all that are made are points."""
    assert all(is_a_point(Ed25519PrivateKey.generate().public_key().public_bytes_raw()) for _ in range(20))
    others = sum(is_a_point(number.to_bytes(32, "little")) for number in range(2, 202))
    assert 60 < others < 140


def test_half_a_point_is_none() -> None:
    assert not is_a_point(EDWARDS[:-1])
