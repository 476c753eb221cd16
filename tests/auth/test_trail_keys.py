"""The keys that sign the heads of the trail."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest
from joserfc import jws

from pat_auth.keys import ALGORITHM, UnusableKeys, generate_key
from pat_auth.trail_keys import (
    HeadVerifier,
    SignedHead,
    TrailKeys,
    load_or_create_trail_keys,
    rotate_trail_keys,
    sign_head,
    stored_trail_keys,
)

HEAD = SignedHead(UUID(int=1), 5, b"h" * 32)


def verifier(keys: TrailKeys) -> HeadVerifier:
    return HeadVerifier(keys.public_set())


def test_what_was_signed_is_read_with_the_public_keys_alone(tmp_path: Path) -> None:
    keys = load_or_create_trail_keys(tmp_path)
    assert verifier(keys).read(sign_head(keys, HEAD)) == HEAD
    assert all("d" not in key for key in keys.public_set()["keys"])


def test_keys_are_made_once(tmp_path: Path) -> None:
    assert stored_trail_keys(tmp_path) is None
    first = load_or_create_trail_keys(tmp_path)
    assert load_or_create_trail_keys(tmp_path).public_set() == first.public_set()
    assert (tmp_path / "trail-keys.json").stat().st_mode & 0o077 == 0


def test_what_former_keys_have_signed_is_read_for_ever(tmp_path: Path) -> None:
    old = sign_head(load_or_create_trail_keys(tmp_path), HEAD)
    for _ in range(3):
        keys = rotate_trail_keys(tmp_path)
    assert verifier(keys).read(old) == HEAD
    assert len(keys.public_set()["keys"]) == 4
    assert sign_head(keys, HEAD).partition(".")[0] != old.partition(".")[0]


def test_a_key_that_was_never_used_is_rotated_too(tmp_path: Path) -> None:
    assert len(rotate_trail_keys(tmp_path).former) == 1


def test_what_another_key_has_signed_is_not_believed() -> None:
    ours, theirs = TrailKeys(generate_key()), TrailKeys(generate_key())
    assert verifier(ours).read(sign_head(theirs, HEAD)) is None


@pytest.mark.parametrize("said", [b"", b"[]", b"{}", b"1", b'{"organisation": 1, "number": 1, "hash": "00"}'])
def test_what_says_something_else_is_not_believed(said: bytes) -> None:
    keys = TrailKeys(generate_key())
    header = {"alg": ALGORITHM, "typ": "trail-head", "kid": keys.current.kid}
    assert verifier(keys).read(jws.serialize_compact(header, said, keys.current)) is None


def test_what_was_signed_as_something_else_is_not_believed() -> None:
    """A token of whatever kind is no signed head, though the same key had signed it."""
    keys = TrailKeys(generate_key())
    payload = sign_head(keys, HEAD)
    said = jws.deserialize_compact(payload, keys.current, algorithms=[ALGORITHM]).payload or b""
    header = {"alg": ALGORITHM, "typ": "at+jwt", "kid": keys.current.kid}
    assert verifier(keys).read(jws.serialize_compact(header, said, keys.current)) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "....", "é"])
def test_what_is_no_signature_is_not_believed(text: str) -> None:
    assert verifier(TrailKeys(generate_key())).read(text) is None


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"current": 1, "former": []}'])
def test_a_damaged_file_is_reported_and_never_replaced(tmp_path: Path, content: str) -> None:
    file = tmp_path / "trail-keys.json"
    file.write_text(content)
    file.chmod(0o600)
    for use in (load_or_create_trail_keys, rotate_trail_keys, stored_trail_keys):
        with pytest.raises(UnusableKeys):
            use(tmp_path)
    assert file.read_text() == content


def test_a_former_key_that_is_none_is_reported(tmp_path: Path) -> None:
    load_or_create_trail_keys(tmp_path)
    file = tmp_path / "trail-keys.json"
    stored = json.loads(file.read_text())
    file.write_text(json.dumps({**stored, "former": [{"kty": "oct", "k": "AA"}]}))
    with pytest.raises(UnusableKeys):
        stored_trail_keys(tmp_path)
