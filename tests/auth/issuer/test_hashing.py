"""Hashes of passwords: slow, salted, and a few at a time."""

import threading
import time

import pytest
from argon2 import extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from pat_auth.issuer.hashing import Hashing

LIGHT = Hashing(memory_kib=8, passes=1)


def test_the_secret_matches_its_hash_and_no_other_does() -> None:
    hashed = LIGHT.hash(b"correct horse")
    assert LIGHT.matches(hashed, b"correct horse")
    assert not LIGHT.matches(hashed, b"correct horse ")
    assert not LIGHT.matches(hashed, b"")


def test_two_hashes_of_one_secret_differ() -> None:
    assert LIGHT.hash(b"correct horse") != LIGHT.hash(b"correct horse")


def test_the_strength_is_at_least_what_owasp_asks_for() -> None:
    parameters = extract_parameters(Hashing().hash(b"correct horse"))
    assert parameters.type is Type.ID
    least_mib = {1: 46, 2: 19, 3: 12, 4: 9, 5: 7}
    assert parameters.memory_cost >= least_mib[parameters.time_cost] * 1024
    assert parameters.parallelism == 1
    assert (parameters.salt_len, parameters.hash_len) == (16, 32)


def test_nobodys_hash_is_as_strong_as_a_real_one_and_matches_nothing() -> None:
    assert extract_parameters(LIGHT.nobodys) == extract_parameters(LIGHT.hash(b"x"))
    assert LIGHT.nobodys == LIGHT.nobodys
    assert Hashing().nobodys != Hashing().nobodys
    assert not any(LIGHT.matches(LIGHT.nobodys, secret) for secret in (b"", b"\0", b"password"))


def test_a_hash_of_another_strength_still_matches_and_is_outdated() -> None:
    stronger = Hashing(memory_kib=16, passes=2)
    hashed = LIGHT.hash(b"correct horse")
    assert stronger.matches(hashed, b"correct horse")
    assert stronger.is_outdated(hashed)
    assert not LIGHT.is_outdated(hashed)


@pytest.mark.parametrize("broken", ["", "correct horse", "$argon2id$v=19$m=8,t=1,p=1$$", "$2b$12$x"])
def test_what_is_no_hash_is_a_fault_and_never_a_match(broken: str) -> None:
    with pytest.raises((InvalidHashError, VerificationError)):
        LIGHT.matches(broken, b"")


def test_no_more_are_hashed_at_once_than_there_are_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    hashing = Hashing(memory_kib=8, passes=1, at_once=2)
    lock, now, most = threading.Lock(), 0, 0

    class Slow:
        def hash(self, _: bytes) -> str:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.02)
            with lock:
                now -= 1
            return ""

        def verify(self, _: str, secret: bytes) -> bool:
            return not self.hash(secret)

    monkeypatch.setitem(vars(hashing), "_hasher", Slow())
    threads = [threading.Thread(target=hashing.hash, args=(b"x",)) for _ in range(4)]
    threads += [threading.Thread(target=hashing.matches, args=("", b"x")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
