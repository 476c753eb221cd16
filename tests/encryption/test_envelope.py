"""Sealed texts: they open with one key, in one place, unchanged."""

import os
from dataclasses import replace
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pat_platform.encryption import envelope
from pat_platform.encryption.envelope import Place, Unreadable, join_parts, seal

KEY = os.urandom(32)
PLACE = Place(organisation=uuid4(), table="survivor_identity", column="name", subject=uuid4())


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_sealed_text_opens_where_it_was_put(text: str) -> None:
    assert envelope.open(KEY, PLACE, seal(KEY, PLACE, text)) == text


@pytest.mark.parametrize(
    "elsewhere",
    [
        replace(PLACE, organisation=uuid4()),
        replace(PLACE, table="survivor_contact"),
        replace(PLACE, column="alias"),
        replace(PLACE, subject=uuid4()),
        replace(PLACE, row=uuid4()),
        replace(PLACE, table="survivor_identityn", column="ame"),
    ],
)
def test_a_sealed_text_opens_nowhere_else(elsewhere: Place) -> None:
    blob = seal(KEY, PLACE, "Mithu")
    with pytest.raises(Unreadable):
        envelope.open(KEY, elsewhere, blob)


def test_rows_about_one_person_cannot_be_exchanged() -> None:
    first, second = replace(PLACE, row=uuid4()), replace(PLACE, row=uuid4())
    with pytest.raises(Unreadable):
        envelope.open(KEY, second, seal(KEY, first, "She was seen at the market."))


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(Unreadable):
        envelope.open(os.urandom(32), PLACE, seal(KEY, PLACE, "Mithu"))


def test_no_changed_byte_goes_unnoticed() -> None:
    blob = seal(KEY, PLACE, "Mithu")
    for position in range(len(blob)):
        changed = blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :]
        with pytest.raises(Unreadable):
            envelope.open(KEY, PLACE, changed)


def test_no_cut_text_opens() -> None:
    blob = seal(KEY, PLACE, "Mithu")
    for length in range(len(blob)):
        with pytest.raises(Unreadable):
            envelope.open(KEY, PLACE, blob[:length])


def test_the_same_text_is_sealed_differently_each_time() -> None:
    assert len({seal(KEY, PLACE, "Mithu") for _ in range(100)}) == 100


def test_a_sealed_text_does_not_tell_how_long_a_name_is() -> None:
    assert len({len(seal(KEY, PLACE, "x" * length)) for length in range(32)}) == 1


def test_the_form_is_a_version_a_nonce_and_the_ciphertext_with_its_tag() -> None:
    blob = seal(KEY, PLACE, "Mithu")
    assert blob[0] == 1
    assert len(blob) == 1 + 12 + 32 + 16
    assert b"Mithu" not in blob


def test_the_refusal_says_nothing_of_the_text() -> None:
    with pytest.raises(Unreadable) as caught:
        envelope.open(os.urandom(32), PLACE, seal(KEY, PLACE, "Mithu"))
    assert caught.value.__cause__ is None
    assert "Mithu" not in str(caught.value)
    assert str(PLACE.subject) not in str(caught.value)


@given(st.lists(st.binary()), st.lists(st.binary()))
def test_two_lists_of_parts_never_give_the_same_context(first: list[bytes], second: list[bytes]) -> None:
    assert (join_parts(*first) == join_parts(*second)) == (first == second)
