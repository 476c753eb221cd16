"""Passkeys: whoever signs is whom it was asked of, here, now, once; whatever else is signed is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from tests.support.authenticator import Authenticator, bytes_of, text_of
from tests.support.granting import Granting
from tests.support.issuing import put_browser, put_person

from pat_auth.issuer.asserting import prove_passkey, prove_second_passkey, take_made
from pat_auth.issuer.passkeys import (
    begin_making,
    begin_second,
    begin_sign_in,
    end_passkey,
    passkeys_of,
    put_passkey,
    site_of,
)
from pat_auth.issuer.proving import has_second_factor
from pat_auth.issuer.totp import new_secret, put_factor

ADDRESS = "203.0.113.9"
EMAIL = "somebody@people.example"


def ask_to_make(granting: Granting, person: UUID | None = None, email: str = EMAIL) -> str:
    with granting.service.connections.transaction() as connection:
        options = begin_making(connection, granting.service, granting.browser, person, email)
    assert options is not None
    return options


def ask(granting: Granting, browser: UUID | None = None) -> str:
    with granting.service.connections.transaction() as connection:
        options = begin_sign_in(connection, granting.service, browser or granting.browser)
    assert options is not None
    return options


def ask_second(granting: Granting, person: UUID) -> str | None:
    with granting.service.connections.transaction() as connection:
        return begin_second(connection, granting.service, granting.browser, person)


def make(granting: Granting, person: UUID, **says: Any) -> Authenticator:
    """A passkey of hers, kept."""
    authenticator = Authenticator()
    signed = authenticator.make(ask_to_make(granting, person), **says)
    made = take_made(
        granting.service, browser=granting.browser, person=person, signed=signed, address=ADDRESS
    )
    assert made is not None
    with granting.service.connections.transaction() as connection:
        assert put_passkey(connection, granting.service, person, made)
    return authenticator


def prove(granting: Granting, signed: str, browser: UUID | None = None) -> UUID | None:
    return prove_passkey(
        granting.service, browser=browser or granting.browser, signed=signed, address=ADDRESS
    )


def prove_second(granting: Granting, person: UUID, signed: str) -> bool:
    return prove_second_passkey(
        granting.service, browser=granting.browser, person=person, signed=signed, address=ADDRESS
    )


@pytest.fixture
def person(granting: Granting) -> UUID:
    return put_person(granting.connections.connection, EMAIL)


@pytest.fixture
def hers(granting: Granting, person: UUID) -> Authenticator:
    return make(granting, person)


def test_a_passkey_says_who_she_is(granting: Granting, person: UUID, hers: Authenticator) -> None:
    assert prove(granting, hers.sign(ask(granting))) == person
    ((used_at,),) = granting.rows("select used_at from sec.passkeys where person_id = %s", person)
    assert used_at == granting.clock()


def test_what_a_page_asks_tells_nothing_of_anybody(granting: Granting, hers: Authenticator) -> None:
    asked = json.loads(ask(granting))
    assert asked["allowCredentials"] == []
    assert (asked["rpId"], asked["userVerification"]) == ("pat.example", "required")
    assert asked["challenge"] != json.loads(ask(granting))["challenge"]


def test_a_passkey_knows_her_by_a_handle_that_is_random_and_one(granting: Granting, person: UUID) -> None:
    first, second = make(granting, person), make(granting, person)
    other = make(granting, put_person(granting.connections.connection, "other@people.example"))
    assert first.handle == second.handle != other.handle
    assert first.handle is not None
    assert len(first.handle) == 32
    assert person.bytes not in first.handle
    assert EMAIL.encode() not in first.handle


def test_a_phone_that_has_one_makes_no_second(granting: Granting, person: UUID, hers: Authenticator) -> None:
    asked = json.loads(ask_to_make(granting, person))
    assert asked["excludeCredentials"] == [
        {"type": "public-key", "id": text_of(hers.id), "transports": ["internal"]}
    ]
    assert asked["authenticatorSelection"]["userVerification"] == "required"


REFUSED: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.example"},
    "another port of ours": {"origin": "https://pat.example:8443"},
    "our name without https": {"origin": "http://pat.example"},
    "a name below ours": {"origin": "https://a.pat.example"},
    "another site": {"site": "evil.example"},
    "a challenge that was never given": {"challenge": text_of(b"c" * 32)},
    "nobody looked at": {"verified": False},
    "nobody there": {"present": False},
    "no handle": {"handle": None},
    "another's handle": {"handle": b"h" * 32},
    "what making one signs": {"kind": "webauthn.create"},
    "another key": {"key": generate_private_key(SECP256R1())},
    "a passkey that nobody has": {"id": b"i" * 32},
}


@pytest.mark.parametrize("says", REFUSED.values(), ids=REFUSED)
def test_what_is_signed_otherwise_is_refused(
    granting: Granting, hers: Authenticator, says: dict[str, Any]
) -> None:
    assert prove(granting, hers.sign(ask(granting), **says)) is None


def test_what_was_signed_once_is_worth_nothing_again(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    signed = hers.sign(ask(granting))
    assert prove(granting, signed) == person
    assert prove(granting, signed) is None


def test_a_challenge_is_spent_by_what_is_refused_too(granting: Granting, hers: Authenticator) -> None:
    options = ask(granting)
    assert prove(granting, hers.sign(options, verified=False)) is None
    assert prove(granting, hers.sign(options)) is None


def test_a_challenge_is_good_for_a_while(granting: Granting, person: UUID, hers: Authenticator) -> None:
    options = ask(granting)
    granting.clock.pass_by(minutes=9)
    assert prove(granting, hers.sign(options)) == person
    options = ask(granting)
    granting.clock.pass_by(minutes=11)
    assert prove(granting, hers.sign(options)) is None


def test_a_challenge_is_good_in_its_browser_alone(granting: Granting, hers: Authenticator) -> None:
    other = put_browser(granting.connections.connection)
    ask(granting, other)
    assert prove(granting, hers.sign(ask(granting)), other) is None


def test_a_challenge_is_good_for_its_purpose_alone(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    options = ask_second(granting, person)
    assert options is not None
    assert prove(granting, hers.sign(options)) is None
    assert not prove_second(granting, person, hers.sign(ask(granting)))
    making = ask_to_make(granting, person)
    assert prove(granting, hers.sign(making)) is None


def test_a_passkey_that_counts_counts_up(granting: Granting, person: UUID) -> None:
    hers = make(granting, person, count=4)
    assert prove(granting, hers.sign(ask(granting), count=6)) == person
    for count in (6, 5, 0):
        assert prove(granting, hers.sign(ask(granting), count=count)) is None
    assert prove(granting, hers.sign(ask(granting), count=7)) == person


def test_whoever_is_disabled_has_no_passkeys(granting: Granting, person: UUID, hers: Authenticator) -> None:
    granting.rows("update sec.people set disabled_at = now() where id = %s", person)
    assert prove(granting, hers.sign(ask(granting))) is None


def test_after_a_password_one_of_hers_is_asked_for(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    options = ask_second(granting, person)
    assert options is not None
    assert [known["id"] for known in json.loads(options)["allowCredentials"]] == [text_of(hers.id)]
    # Her password was looked at: a touch is enough, and many sticks say no handle here.
    assert prove_second(granting, person, hers.sign(options, verified=False, handle=None))


def test_after_a_password_another_persons_passkey_is_refused(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    other = make(granting, put_person(granting.connections.connection, "other@people.example"))
    options = ask_second(granting, person)
    assert options is not None
    assert not prove_second(granting, person, other.sign(options))
    options = ask_second(granting, person)
    assert options is not None
    assert not prove_second(granting, person, hers.sign(options, handle=other.handle))


def test_whose_challenge_it_was_is_remembered(granting: Granting, person: UUID) -> None:
    stranger = put_person(granting.connections.connection, "other@people.example")
    hers, others = make(granting, person), make(granting, stranger)
    options = ask_second(granting, person)
    assert options is not None
    assert not prove_second(granting, stranger, others.sign(options))
    assert hers.handle != others.handle


def test_nothing_is_asked_of_whoever_has_none(granting: Granting, person: UUID) -> None:
    assert ask_second(granting, person) is None


MALFORMED = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "a number": "1",
    "deep": "[" * 5000,
    "no response": '{"id": "a", "rawId": "a", "type": "public-key"}',
    "an id of letters that are none": '{"id": "é", "rawId": "é", "type": "public-key", "response":'
    ' {"clientDataJSON": "é", "authenticatorData": "", "signature": "", "userHandle": "é"}}',
}


@pytest.mark.parametrize("signed", MALFORMED.values(), ids=MALFORMED)
def test_what_cannot_be_read_is_refused(granting: Granting, hers: Authenticator, signed: str) -> None:
    ask(granting)
    assert prove(granting, signed) is None
    ask_to_make(granting)
    made = take_made(granting.service, browser=granting.browser, person=None, signed=signed, address=ADDRESS)
    assert made is None


@pytest.mark.parametrize("name", ["clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("raw", [b"", b"{}", b"1", b'{"type": 1}', b"\xff" * 37, b"[" * 5000])
def test_what_is_signed_wrongly_is_refused(
    granting: Granting, hers: Authenticator, name: str, raw: bytes
) -> None:
    signed = json.loads(hers.sign(ask(granting)))
    signed["response"][name] = text_of(raw)
    assert prove(granting, json.dumps(signed)) is None


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", b"\xa0", b"\xa1\x61a\x01"])
@pytest.mark.parametrize("name", ["clientDataJSON", "attestationObject"])
def test_what_is_made_wrongly_is_refused(granting: Granting, name: str, raw: bytes) -> None:
    signed = json.loads(Authenticator().make(ask_to_make(granting)))
    signed["response"][name] = text_of(raw)
    made = take_made(
        granting.service, browser=granting.browser, person=None, signed=json.dumps(signed), address=ADDRESS
    )
    assert made is None


@pytest.mark.parametrize(
    "form", ["tpm", "packed", "fido-u2f", "android-key", "apple", "android-safetynet", "x"]
)
@pytest.mark.parametrize(
    "statement", [{}, {"ver": "2.0", "alg": "x", "x5c": [b"x"], "sig": 1, "certInfo": b"x", "pubArea": b"x"}]
)
def test_what_vouches_for_it_in_a_form_that_is_broken_is_refused(
    granting: Granting, form: str, statement: dict[str, Any]
) -> None:
    signed = json.loads(Authenticator().make(ask_to_make(granting)))
    made_of = cbor2.loads(bytes_of(signed["response"]["attestationObject"]))
    broken = cbor2.dumps({**made_of, "fmt": form, "attStmt": statement})
    signed["response"]["attestationObject"] = text_of(broken)
    made = take_made(
        granting.service, browser=granting.browser, person=None, signed=json.dumps(signed), address=ADDRESS
    )
    assert made is None


NOT_MADE: dict[str, dict[str, Any]] = {
    "a key that is off its curve": {"y": bytes(31) + b"\x01"},
    "another origin": {"origin": "https://evil.example"},
    "another site": {"site": "evil.example"},
    "a challenge that was never given": {"challenge": text_of(b"c" * 32)},
    "nobody looked at": {"verified": False},
    "what signing in signs": {"kind": "webauthn.get"},
    "an algorithm that nobody asked for": {"algorithm": -35},
}


@pytest.mark.parametrize("says", NOT_MADE.values(), ids=NOT_MADE)
def test_what_is_made_otherwise_is_refused(granting: Granting, person: UUID, says: dict[str, Any]) -> None:
    signed = Authenticator().make(ask_to_make(granting, person), **says)
    made = take_made(
        granting.service, browser=granting.browser, person=person, signed=signed, address=ADDRESS
    )
    assert made is None


def test_one_is_made_once_and_for_whom_it_was_asked(granting: Granting, person: UUID) -> None:
    signed = Authenticator().make(ask_to_make(granting, person))

    def taken(whose: UUID | None) -> bool:
        made = take_made(
            granting.service, browser=granting.browser, person=whose, signed=signed, address=ADDRESS
        )
        return made is not None

    assert [taken(None), taken(granting.who.person), taken(person), taken(person)] == [
        False,
        False,
        True,
        False,
    ]


def test_one_that_is_kept_is_nobody_elses(granting: Granting, person: UUID, hers: Authenticator) -> None:
    stranger = put_person(granting.connections.connection, "other@people.example")
    signed = replace(hers).make(ask_to_make(granting, stranger))
    made = take_made(
        granting.service, browser=granting.browser, person=stranger, signed=signed, address=ADDRESS
    )
    assert made is not None
    with granting.service.connections.transaction() as connection:
        assert not put_passkey(connection, granting.service, stranger, made)
    assert prove(granting, hers.sign(ask(granting))) == person


def end(granting: Granting, person: UUID, name: str) -> int | None:
    with granting.service.connections.transaction() as connection:
        return end_passkey(connection, granting.service, person, name)


def test_one_that_is_removed_lets_nobody_in(granting: Granting, person: UUID, hers: Authenticator) -> None:
    make(granting, person)
    assert end(granting, person, text_of(hers.id))
    assert prove(granting, hers.sign(ask(granting))) is None
    with granting.service.connections.transaction() as connection:
        assert hers.id not in {passkey.id for passkey in passkeys_of(connection, person)}


def test_the_last_one_is_removed_where_a_generator_is_left(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    assert not end(granting, person, text_of(hers.id))
    with granting.service.connections.transaction() as connection:
        assert has_second_factor(connection, person)
        put_factor(connection, granting.service, person, new_secret(), step=1)
    assert end(granting, person, text_of(hers.id))


def test_nobody_removes_anothers(granting: Granting, person: UUID, hers: Authenticator) -> None:
    stranger = put_person(granting.connections.connection, "other@people.example")
    make(granting, stranger)
    make(granting, stranger)
    end(granting, stranger, text_of(hers.id))
    assert prove(granting, hers.sign(ask(granting))) == person


@pytest.mark.parametrize(
    ("issuer", "site"),
    [
        ("https://pat.example", "pat.example"),
        ("https://pat.example:8443", "pat.example"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]:8000", None),
        ("http://pat.example", None),
    ],
)
def test_passkeys_are_for_names_that_browsers_trust(
    granting: Granting, person: UUID, issuer: str, site: str | None
) -> None:
    service = replace(granting.service, issuer=issuer)
    assert site_of(service) == site
    with service.connections.transaction() as connection:
        asked = (
            begin_sign_in(connection, service, granting.browser),
            begin_making(connection, service, granting.browser, person, EMAIL),
        )
    assert [options is not None for options in asked] == [site is not None] * 2


def test_nobody_is_asked_where_browsers_make_none(
    granting: Granting, person: UUID, hers: Authenticator
) -> None:
    service = replace(granting.service, issuer="http://127.0.0.1:8000")
    with service.connections.transaction() as connection:
        assert begin_second(connection, service, granting.browser, person) is None


def test_whoever_floods_waits(granting: Granting, hers: Authenticator) -> None:
    for _ in range(25):
        prove(granting, "{}")
    assert prove(granting, hers.sign(ask(granting))) is None
    granting.clock.pass_by(minutes=5)
    assert prove(granting, hers.sign(ask(granting))) is not None


def test_whoever_signs_rightly_is_not_counted(granting: Granting, person: UUID, hers: Authenticator) -> None:
    for _ in range(30):
        assert prove(granting, hers.sign(ask(granting))) == person
        options = ask_second(granting, person)
        assert options is not None
        assert prove_second(granting, person, hers.sign(options))


def test_what_is_kept_is_public(granting: Granting, hers: Authenticator) -> None:
    secret = hers.key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in b"".join(
        bytes(value)
        for row in granting.rows("select id, handle, public_key from sec.passkeys")
        for value in row
    )
    assert bytes_of(text_of(hers.id)) == hers.id
