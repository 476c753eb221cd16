"""What a passkey has signed: whether it is one of ours, asked here and now, by whom, and that it was never shown before.

A signature cannot be guessed, so that nothing is counted for an account: nobody can slow her down. For an address it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from pat_auth.issuer.challenges import Challenge, spend_challenge
from pat_auth.issuer.methods import Purpose
from pat_auth.issuer.passkeys import ALGORITHMS, Made, site_of
from pat_auth.issuer.proving import admit
from pat_auth.issuer.public_keys import can_sign
from pat_auth.issuer.service import Service
from pat_auth.issuer.throttle import Attempt, succeed
from pat_platform.database.threads import Connection

if TYPE_CHECKING:
    from webauthn.helpers.structs import AuthenticationCredential

Result = TypeVar("Result")

_FIND = """
select k.person_id, k.handle, k.public_key, k.sign_count from sec.passkeys k
join sec.people p on p.id = k.person_id and p.disabled_at is null
where k.id = %s and k.ended_at is null for update of k"""


def prove_passkey(service: Service, *, browser: UUID, signed: str, address: str) -> UUID | None:
    """The person whose passkey has signed this browser's challenge, having seen her finger, her face or her PIN: both factors.

    None for anything else, and nothing tells which. Never call it with a connection in hand.
    """
    return _prove(service, browser, None, signed, address)


def prove_second_passkey(service: Service, *, browser: UUID, person: UUID, signed: str, address: str) -> bool:
    """Whether a passkey of this person, who has proved her password, has signed the challenge that she was given for it."""
    return _prove(service, browser, person, signed, address) is not None


def take_made(
    service: Service, *, browser: UUID, person: UUID | None, signed: str, address: str
) -> Made | None:
    """The passkey that was made for this browser's challenge. It is nobody's before it is put. None for anything else."""
    attempt = Attempt.new(service, address)
    challenge = _challenge(service, attempt, browser, Purpose.REGISTER, person)
    made = challenge and _made(service, challenge, signed)
    if made:
        with service.connections.transaction() as connection:
            succeed(connection, attempt)
    return made or None


def _prove(service: Service, browser: UUID, person: UUID | None, signed: str, address: str) -> UUID | None:
    purpose = Purpose.SECOND if person else Purpose.SIGN_IN
    attempt = Attempt.new(service, address)
    challenge = _challenge(service, attempt, browser, purpose, person)
    if challenge is None:
        return None
    with service.connections.transaction() as connection:
        proved = _signer(connection, service, challenge, signed, person)
        if proved is not None:
            succeed(connection, attempt)
    return proved


def _challenge(
    service: Service, attempt: Attempt, browser: UUID, purpose: Purpose, person: UUID | None
) -> Challenge | None:
    """The challenge, spent and committed before anything that was signed is looked at."""
    if not admit(service, attempt):
        return None
    with service.connections.transaction() as connection:
        return spend_challenge(connection, service, browser=browser, purpose=purpose, person=person)


def _signer(
    connection: Connection, service: Service, challenge: Challenge, signed: str, person: UUID | None
) -> UUID | None:
    # It takes a second to load: not before somebody uses a passkey.
    from webauthn import verify_authentication_response
    from webauthn.helpers import parse_authentication_credential_json

    given = _accepted(lambda: parse_authentication_credential_json(signed))
    if given is None:
        return None
    # Rows are locked: of two that show the same count at once, one is refused.
    row = connection.execute(_FIND, (given.raw_id,)).fetchone()
    if row is None:
        return None
    owner, handle, public_key, sign_count = row
    if not _is_expected(given, owner, bytes(handle), person):
        return None
    verified = _accepted(
        lambda: verify_authentication_response(
            credential=given,
            expected_challenge=challenge.challenge,
            expected_rp_id=site_of(service) or "",
            expected_origin=service.issuer,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=person is None,
        )
    )
    if verified is None:
        return None
    connection.execute(
        "update sec.passkeys set sign_count = %s, used_at = %s where id = %s",
        (verified.new_sign_count, service.clock(), given.raw_id),
    )
    found: UUID = owner
    return found


def _accepted(read: Callable[[], Result]) -> Result | None:
    """What the library finds, or None for whatever it raises: for what is malformed it raises much beside its own errors."""
    try:
        return read()
    except Exception:
        return None


def _is_expected(given: AuthenticationCredential, owner: UUID, handle: bytes, person: UUID | None) -> bool:
    """Whether the passkey is hers who was asked for, and says so itself where nobody was (WebAuthn §7.2, step 6)."""
    said = given.response.user_handle
    if person is None:
        return said == handle
    return owner == person and said in (None, b"", handle)


def _made(service: Service, challenge: Challenge, signed: str) -> Made | None:
    from webauthn import verify_registration_response
    from webauthn.helpers import parse_registration_credential_json
    from webauthn.helpers.cose import COSEAlgorithmIdentifier

    assert challenge.handle is not None
    given = _accepted(lambda: parse_registration_credential_json(signed))
    if given is None:
        return None
    verified = _accepted(
        lambda: verify_registration_response(
            credential=given,
            expected_challenge=challenge.challenge,
            expected_rp_id=site_of(service) or "",
            expected_origin=service.issuer,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        )
    )
    if verified is None or not can_sign(verified.credential_public_key):
        return None
    transports = tuple(transport.value for transport in given.response.transports or ())
    return Made(
        verified.credential_id,
        verified.credential_public_key,
        verified.sign_count,
        challenge.handle,
        transports,
    )
