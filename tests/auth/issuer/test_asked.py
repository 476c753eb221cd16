"""What the issuer is asked: read in one way, or not at all."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pat_auth.issuer.asked import (
    LONGEST_FORM,
    LONGEST_QUERY,
    MOST_FIELDS,
    Answer,
    Asked,
    Pairs,
    Unfit,
    demand_plain,
    once,
    parse_form,
    parse_pairs,
)

FORM = "application/x-www-form-urlencoded"
SECRET = "correct horse"


def status_of(content_type: str | None, raw: bytes) -> int:
    with pytest.raises(Unfit) as refused:
        parse_form(content_type, raw)
    return refused.value.status


def test_pairs_keep_their_order_and_those_that_come_twice() -> None:
    assert parse_pairs(b"b=1&a=%E0%A6%95+x&b=&c") == [("b", "1"), ("a", "ক x"), ("b", ""), ("c", "")]


def test_nothing_has_no_pairs() -> None:
    assert parse_pairs(b"") == []
    assert parse_form(None, b"") == []


@pytest.mark.parametrize(
    "content_type",
    [FORM, FORM.upper(), f"{FORM}; charset=utf-8", f'{FORM};charset="UTF-8"'],
)
def test_a_form_is_one_by_its_type(content_type: str) -> None:
    assert parse_form(content_type, b"a=1") == [("a", "1")]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "text/plain",
        "multipart/form-data; boundary=x",
        f"{FORM}; charset=utf-16",
    ],
)
def test_a_body_of_another_type_is_no_form(content_type: str | None) -> None:
    assert status_of(content_type, b"a=1") == 415


def test_what_is_too_long_is_not_read() -> None:
    assert status_of(FORM, b"a=" + b"x" * LONGEST_FORM) == 413
    assert len(parse_form(FORM, b"a=" + b"x" * (LONGEST_FORM - 2))) == 1
    with pytest.raises(Unfit, match="413"):
        parse_pairs(b"a=" + b"x" * LONGEST_QUERY)


@pytest.mark.parametrize(
    "raw",
    [
        b"a=\xff",
        b"a=%FF",
        b"%FF=1",
        b"a=%ED%A0%80",
        b"a=%00",
        b"a%00b=1",
        b"a=\0",
        b"a=1&" * (MOST_FIELDS + 1),
    ],
)
def test_what_cannot_be_text_or_has_too_many_fields_is_refused(raw: bytes) -> None:
    assert status_of(FORM, raw) == 400


@given(st.binary(max_size=200))
def test_any_bytes_are_pairs_or_refused(raw: bytes) -> None:
    pairs: Pairs = []
    with suppress(Unfit):
        pairs = parse_form(FORM, raw)
    assert all("\0" not in name + value for name, value in pairs)


def test_a_parameter_without_a_value_counts_as_left_out() -> None:
    assert once([("a", "1"), ("b", "")]) == {"a": "1"}


@pytest.mark.parametrize("second", ["1", "2", ""])
def test_a_parameter_that_comes_twice_is_refused(second: str) -> None:
    with pytest.raises(Unfit, match="400"):
        once([("a", "1"), ("b", "1"), ("a", second)])


def test_a_parameter_may_come_twice_where_that_is_allowed() -> None:
    assert once([("a", "1"), ("a", "2")], may_repeat=("a",)) == {"a": "2"}


@pytest.mark.parametrize("value", ["é", '"', "\\", "\x1f", "\x7f", "a\nb", "💧"])
@pytest.mark.parametrize(
    "name",
    ["response_type", "grant_type", "client_id", "redirect_uri", "scope", "code_challenge", "resource"],
)
def test_a_parameter_that_an_error_might_repeat_holds_plain_characters_alone(name: str, value: str) -> None:
    with pytest.raises(Unfit, match=name):
        demand_plain([("state", "fine"), (name, f"x{value}")])


@pytest.mark.parametrize("name", ["state", "nonce"])
def test_a_state_may_be_json_and_no_control_character(name: str) -> None:
    demand_plain([(name, '{"to": "\\\\"}')])
    for value in ("\n", "é"):
        with pytest.raises(Unfit, match=name):
            demand_plain([(name, value)])


def test_a_password_may_hold_any_character() -> None:
    demand_plain([("password", 'é"\n'), ("client_id", "a client's, with !#[]~")])


def test_neither_what_is_asked_nor_the_answer_prints_its_secrets() -> None:
    asked = Asked(
        method="POST",
        path="/sign-in",
        query=[("code", SECRET)],
        form=[("password", SECRET)],
        headers={"authorization": SECRET},
        cookies={"__Host-pat": SECRET},
        address="198.51.100.7",
    )
    answer = Answer(303, [("location", f"https://client.example/?code={SECRET}")], SECRET.encode())
    for text in (repr(asked), repr(answer)):
        assert SECRET not in text
        assert "198.51.100.7" not in text
