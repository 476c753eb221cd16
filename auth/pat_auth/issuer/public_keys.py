"""Whether a passkey that is offered could ever sign, and nobody else for it.

The library looks at what a new passkey says it signs with, and loads its key no sooner than on the day on which it has signed.
"""

from __future__ import annotations

_FEWEST_BITS = 2048
"""Of RSA (NIST SP 800-131A)."""
_MOST_BITS = 8192
"""More take long to check, and nobody makes them."""
_EXPONENTS = (3, 65537)
_ED25519_BYTES = 32
# The field and the constant of the curve (RFC 8032 §5.1).
_P = 2**255 - 19
_D = -121665 * pow(121666, -1, _P) % _P


def can_sign(public_key: bytes) -> bool:
    """Whether a key, as COSE writes it (RFC 9053), is of an algorithm that passkeys here use, and a whole and sound key of it."""
    # They take a second to load: not before somebody makes a passkey.
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
    from webauthn.helpers.cose import COSEAlgorithmIdentifier as Algorithm
    from webauthn.helpers.decode_credential_public_key import DecodedOKPPublicKey

    try:
        decoded = decode_credential_public_key(public_key)
        loaded = decoded_public_key_to_cryptography(decoded)
    except Exception:
        # For what is malformed it raises much beside its own errors.
        return False
    if isinstance(loaded, EllipticCurvePublicKey):
        # Its point is on the curve: a key that is not was not loaded.
        return decoded.alg == Algorithm.ECDSA_SHA_256 and isinstance(loaded.curve, SECP256R1)
    if isinstance(loaded, RSAPublicKey):
        numbers = loaded.public_numbers()
        is_sound = numbers.n % 2 == 1 and numbers.e in _EXPONENTS
        return (
            decoded.alg == Algorithm.RSASSA_PKCS1_v1_5_SHA_256
            and _FEWEST_BITS <= loaded.key_size <= _MOST_BITS
            and is_sound
        )
    return isinstance(decoded, DecodedOKPPublicKey) and is_a_point(decoded.x)


def is_a_point(x: bytes) -> bool:
    """Whether these bytes are a point of Ed25519 (RFC 8032 §5.1.3), and none of those that anybody could sign for."""
    if len(x) != _ED25519_BYTES:
        return False
    y = int.from_bytes(x, "little") & (1 << 255) - 1
    if y >= _P:
        return False
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    # Points of order four and less have a coordinate that is 0; those of order eight are doubled to one of these.
    has_few_multiples = y == 0 or square == 0 or (square + y * y) % _P == 0
    # Euler's criterion: some number has this square.
    return not has_few_multiples and pow(square, (_P - 1) // 2, _P) == 1
