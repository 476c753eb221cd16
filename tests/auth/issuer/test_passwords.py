"""Passwords: which are good enough, and that only the right one matches."""

from dataclasses import replace

import pytest
from tests.support.proving import PASSWORD, Proving

from pat_auth.issuer.passwords import (
    TOO_COMMON,
    TOO_SHORT,
    hash_password,
    is_acceptable,
    set_password,
    verify_password,
)
from pat_auth.issuer.service import Secrets

EMAIL = "admin@cbo-a.example"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "doyel pakhir gaan",
        "দোয়েল পাখির গান",
        "k7#mQ2!vR9pL",
        "83920184756619203847",
        "hsy27-sjeu-282k",
    ],
)
def test_twelve_letters_of_her_own_are_good_enough(password: str) -> None:
    assert is_acceptable(password, EMAIL) is None


def test_shorter_ones_are_not() -> None:
    assert is_acceptable("k7#mQ2!vR9p", EMAIL) == TOO_SHORT
    # Written with one sign for two letters, and still eleven.
    assert is_acceptable("ﬁ" * 3 + "xyzuv", EMAIL) == TOO_SHORT


@pytest.mark.parametrize(
    "password",
    [
        "Password1234",
        "P@ssw0rd2026!",
        "p4ssw0rdp4ssw0rd",
        "aaaaaaaaaaaa",
        "abcabcabcabcabcabcabcabc",
        "abcdefghijklm",
        "1q2w3e4r5t6y",
        "qwertyuiop12",
        "Kolkata 12345",
        "123456789012",
        "admin@cbo-a.example",
        "Admin 2026 2026",
        "cbo-a.example1",
    ],
)
def test_what_everybody_tries_first_is_not(password: str) -> None:
    assert is_acceptable(password, EMAIL) == TOO_COMMON


def test_only_the_same_password_matches(proving: Proving) -> None:
    hashed = hash_password(proving.service, PASSWORD)
    assert verify_password(proving.service, PASSWORD, hashed)
    assert not verify_password(proving.service, PASSWORD + " ", hashed)
    assert PASSWORD not in hashed


def test_letters_typed_in_pieces_are_the_same_letters(proving: Proving) -> None:
    whole, in_pieces = "ক\u09cb is typed twice", "ক\u09c7\u09be is typed twice"
    assert whole != in_pieces
    assert verify_password(proving.service, in_pieces, hash_password(proving.service, whole))


def test_a_stolen_hash_is_no_use_without_the_deployments_secret(proving: Proving) -> None:
    hashed = hash_password(proving.service, PASSWORD)
    elsewhere = replace(proving.service, secrets=Secrets.of(b"another secret, of somebody else, elsewhere"))
    assert not verify_password(elsewhere, PASSWORD, hashed)
    assert not proving.hashing.matches(hashed, PASSWORD.encode())


def test_a_hash_under_another_key_matches_nothing_and_takes_as_long(proving: Proving) -> None:
    hashed = hash_password(proving.service, PASSWORD)
    proving.hashing.verified = 0
    assert not verify_password(proving.service, PASSWORD, hashed, key=2)
    assert not verify_password(proving.service, PASSWORD, None)
    assert proving.hashing.verified == 2


def test_a_new_password_takes_the_place_of_the_old_one(proving: Proving) -> None:
    somebody = proving.put()
    new = hash_password(proving.service, "another one of her own")
    with proving.service.connections.transaction() as connection:
        set_password(connection, proving.service, somebody.id, new)
    kept = proving.wall.admin.execute(
        "select kind, hash from sec.secrets where person_id = %s", (somebody.id,)
    ).fetchall()
    assert kept == [("PASSWORD", new)]
