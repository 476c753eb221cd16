"""A browser in which somebody has signed in before is not delayed by strangers, and what it is known by helps nobody else."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import uuid4

import pytest
from tests.auth.issuer.test_proving import far_away, known, proved
from tests.support.proving import Proving, Somebody

from pat_auth.issuer.known_browsers import MOST, browser_of, keep_known
from pat_auth.issuer.passwords import hash_password, set_password
from pat_auth.issuer.proving import prove_password


def is_known(proving: Proving, somebody: Somebody, known_by: str) -> bool:
    with proving.service.connections.transaction() as connection:
        return browser_of(connection, proving.service, known_by, somebody.email) is not None


def guess(
    proving: Proving, somebody: Somebody, known_by: str, number: int, password: str = "a guess"
) -> bool:
    """Whether a password is hers, typed in a browser in another network each."""
    return (
        prove_password(
            proving.service,
            email=somebody.email,
            password=password,
            address=far_away(number),
            known_by=known_by,
        )
        is not None
    )


def test_strangers_who_guess_all_the_time_do_not_delay_her_where_she_is_known(proving: Proving) -> None:
    somebody = proving.put()
    kept = known(proving, somebody)
    for number in range(250):
        assert not guess(proving, somebody, "", number)
        proving.clock.pass_by(seconds=0.5)
        if number % 100 == 50:
            assert not proved(proving.service, somebody, address=far_away(9_000))
            assert guess(proving, somebody, kept, number, somebody.password)


def test_she_does_not_wait_with_everybody_either(proving: Proving, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody, waited = proving.put(), list[float]()
    monkeypatch.setattr("pat_auth.issuer.proving.time.sleep", waited.append)
    assert proved(proving.service, somebody)
    proving.wall.admin.execute("update sec.attempts set failures = 20000 where kind = 'EVERYBODY'")
    assert guess(proving, somebody, known(proving, somebody), 1, somebody.password)
    assert waited == []
    assert proved(proving.service, somebody)
    assert waited == [1.0]


def test_what_she_mistypes_there_delays_her_there_alone_and_little(proving: Proving) -> None:
    somebody = proving.put()
    kept = known(proving, somebody)
    for _ in range(4):
        assert not guess(proving, somebody, kept, 1)
    assert not guess(proving, somebody, kept, 1, somebody.password)
    assert proved(proving.service, somebody)
    proving.clock.pass_by(seconds=1.1)
    assert guess(proving, somebody, kept, 1, somebody.password)


def test_her_sign_in_where_she_is_known_frees_no_stranger(proving: Proving) -> None:
    somebody = proving.put()
    kept = known(proving, somebody)
    for number in range(5):
        guess(proving, somebody, "", number)
    assert guess(proving, somebody, kept, 7, somebody.password)
    proving.hashing.verified = 0
    assert not guess(proving, somebody, "", 8)
    assert proving.hashing.verified == 0


def test_whoever_stole_it_guesses_no_faster_than_a_stranger(proving: Proving) -> None:
    somebody = proving.put()
    stolen = known(proving, somebody)
    proving.hashing.verified = 0
    for number in range(400):
        assert not guess(proving, somebody, stolen, number)
        proving.clock.pass_by(seconds=0.6)
    assert proving.hashing.verified <= 10 + 400 * 0.6 / 60


def test_it_is_good_for_her_password_alone(proving: Proving) -> None:
    somebody, other = proving.put(), proving.put()
    assert is_known(proving, somebody, known(proving, somebody))
    assert not is_known(proving, other, known(proving, somebody))
    with proving.service.connections.transaction() as connection:
        kept = known(proving, somebody)
        for email in ("", f"{uuid4()}@people.example"):
            assert browser_of(connection, proving.service, kept, email) is None


def test_whatever_else_a_browser_says_is_nothing(proving: Proving) -> None:
    somebody = proving.put()
    kept = known(proving, somebody)
    raw = bytearray(urlsafe_b64decode(kept))
    for place in range(len(raw)):
        changed = raw.copy()
        changed[place] ^= 1
        assert not is_known(proving, somebody, urlsafe_b64encode(bytes(changed)).decode())
    for said in ("", ".", "é", "x" * 5_000, kept[:-4], kept + "AAAA", "." * 5_000 + kept, "A" * 48):
        assert not is_known(proving, somebody, said)
        assert not guess(proving, somebody, said, 1)


def test_another_password_and_half_a_year_end_it(proving: Proving) -> None:
    somebody = proving.put()
    kept = known(proving, somebody)
    proving.clock.pass_by(days=179)
    assert is_known(proving, somebody, kept)
    proving.clock.pass_by(days=2)
    assert not is_known(proving, somebody, kept)
    kept = known(proving, somebody)
    hashed = hash_password(proving.service, somebody.password)
    with proving.service.connections.transaction() as connection:
        set_password(connection, proving.service, somebody.id, hashed)
    assert not is_known(proving, somebody, kept)


def test_colleagues_share_a_browser_and_the_last_few_are_known(proving: Proving) -> None:
    people = [proving.put() for _ in range(MOST + 1)]
    kept = ""
    for somebody in people:
        kept = known(proving, somebody, kept)
    assert [is_known(proving, somebody, kept) for somebody in people] == [False] + [True] * MOST
    again = known(proving, people[1], kept)
    assert all(is_known(proving, somebody, again) for somebody in people[1:])
    assert again.count(".") == MOST - 1
    assert not {people[1].email, str(people[1].id)} & set(again.split("."))


def test_nobody_is_known_without_a_password(proving: Proving) -> None:
    for somebody in (proving.put(password=None), proving.put(is_disabled=True)):
        with proving.service.connections.transaction() as connection:
            assert keep_known(connection, proving.service, "", somebody.id) is None
