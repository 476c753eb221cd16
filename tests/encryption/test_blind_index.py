"""Telephone numbers: found however they are written, by nobody without the key."""

import pytest

from pat_platform.encryption.blind_index import BlindIndex, e164
from pat_platform.errors import Refused

INDEX = BlindIndex(b"k" * 32)


@pytest.mark.parametrize(
    "number",
    [
        "+91 98300-12345",
        "+919830012345",
        "919830012345",
        "9830012345",
        "09830012345",
        "00919830012345",
        "+91 (0) 98300 12345",
        "+91-09830012345",
        " 98300.12345 ",
        "98300\u00a012345",
        "98300\u201312345",
        "\u200e+91 98300 12345\u202c",
        "৯৮৩০০ ১২৩৪৫",
        "९८३००१२३४५",
        "\uff0b\uff19\uff11 98300 12345",
    ],
)
def test_every_way_to_write_a_number_is_the_same_number(number: str) -> None:
    assert e164(number) == "+919830012345"
    assert INDEX.phone(number) == INDEX.phone("+91 98300-12345")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+880 1712 345678", "+8801712345678"),
        ("00977 9841234567", "+9779841234567"),
        ("+44 20 7946 0000", "+442079460000"),
        ("033 2214 5555", "+913322145555"),
        ("9198300123", "+919198300123"),
    ],
)
def test_other_countries_and_landlines_are_numbers_too(number: str, expected: str) -> None:
    assert e164(number) == expected


@pytest.mark.parametrize(
    "number",
    [
        "",
        "+",
        "none",
        "98300x12345",
        "983001234",
        "98300123456",
        "+91983001234",
        "+9198300123456",
        "+1234567",
        "+1234567890123456",
        "+0123456789",
        "++919830012345",
        "+91+9830012345",
        "9830012345 / 9830012346",
    ],
)
def test_what_is_no_number_is_refused_with_a_sentence_for_a_caseworker(number: str) -> None:
    with pytest.raises(Refused) as caught:
        INDEX.phone(number)
    assert (caught.value.code, caught.value.field) == ("PHONE_INVALID", "phone")


def test_an_index_value_has_sixteen_bytes_and_no_digit_of_the_number() -> None:
    value = INDEX.phone("9830012345")
    assert len(value) == 16
    assert value != INDEX.phone("9830012346")


def test_organisations_and_columns_have_unrelated_values() -> None:
    elsewhere = [
        BlindIndex(b"l" * 32),
        BlindIndex(b"k" * 32, column="guardian.phone"),
        BlindIndex(b"l" * 32, column="guardian.phone"),
    ]
    assert len({index.phone("9830012345") for index in [INDEX, *elsewhere]}) == 4


def test_the_same_key_gives_the_same_value_for_ever() -> None:
    assert INDEX.phone("9830012345").hex() == "99e35d82dac4c82e18a39376d41358f9"
