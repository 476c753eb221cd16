"""The engine's small parts, each alone."""

import base64
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engine.toy import ROWS

from pat_platform.engine.arguments import decode_id, encode, encode_key
from pat_platform.engine.cursors import CursorKey, cursor_sql
from pat_platform.engine.errors import BadArgument, DeclarationError
from pat_platform.engine.quote import array_literal, json_literal, literal
from pat_platform.engine.templates import arguments_of, render, term

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FAST = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@FAST
@given(ANY_TEXT)
def test_a_literal_is_the_text_itself(toy_connection: psycopg.Connection[Any], text: str) -> None:
    for conforming in ("on", "off"):
        toy_connection.execute(
            f"set standard_conforming_strings = {conforming}; set escape_string_warning = off"
        )
        found = toy_connection.pgconn.exec_(f"select {literal(text)}::text".encode()).get_value(0, 0)
        assert (found or b"").decode() == text
    toy_connection.execute("reset standard_conforming_strings; reset escape_string_warning")


def test_a_literal_holds_no_nul() -> None:
    with pytest.raises(ValueError, match="no NUL"):
        literal("a\0")


@FAST
@given(st.lists(st.none() | ANY_TEXT))
def test_an_array_is_its_items(toy_connection: psycopg.Connection[Any], items: list[str | None]) -> None:
    found = toy_connection.execute("select %s::text[]", (array_literal(items),)).fetchone()
    assert found is not None
    assert found[0] == items


def test_a_json_literal() -> None:
    assert json_literal({"a": "it's é"}) == """'{"a": "it''s é"}'::json"""


@FAST
@given(st.lists(st.none() | ANY_TEXT, min_size=1), ANY_TEXT, st.binary(min_size=16, max_size=100))
def test_postgresql_signs_as_python_does(
    toy_connection: psycopg.Connection[Any], values: list[str | None], identity: str, secret: bytes
) -> None:
    key = CursorKey(secret)
    identity = identity.replace("\0", "")
    sql = cursor_sql("json_build_array(variadic %s::text[])::text", "%s::bytea", "%s::bytea")
    inner, outer = key.inner(identity), key.outer()
    found = toy_connection.execute(sql_select(sql), (outer, inner, values, values)).fetchone()
    payload = toy_connection.execute(
        "select json_build_array(variadic %s::text[])::text", (values,)
    ).fetchone()
    assert found is not None
    assert payload is not None
    assert found[0] == key.sign(identity, payload[0])
    if len(found[0]) < 4096:
        assert key.read(identity, found[0], len(values)) == values


def sql_select(expression: str) -> str:
    return f"select {expression}"


def test_a_cursor_key_is_long_and_not_shown() -> None:
    with pytest.raises(ValueError, match="at least 16 bytes"):
        CursorKey(b"short")
    assert "0123" not in repr(CursorKey(b"0123456789abcdef"))


def test_a_cursor_of_another_number_of_terms() -> None:
    key = CursorKey(b"0123456789abcdef")
    with pytest.raises(ValueError, match="of another order"):
        key.read("x", key.sign("x", '["a"]'), 2)


def test_templates_replace_names_and_nothing_else() -> None:
    sql = "select '{}'::text[], {t}.a, '{\"t\": 1}', {n}.b, {arg:one.two}, {id:T:x}"
    found = render(sql, {"t": "_1", "n": "_2"}, lambda kind, what: f"<{kind} {what}>")
    assert found == "select '{}'::text[], _1.a, '{\"t\": 1}', _2.b, <arg one.two>, <id T:x>"
    assert arguments_of(sql) == {"one", "x"}
    with pytest.raises(DeclarationError, match="has no meaning"):
        render("{l}.x", {"t": "_1"})
    with pytest.raises(DeclarationError, match="has no meaning"):
        render("{arg:x}", {"t": "_1"})


def test_terms_are_columns_or_templates() -> None:
    assert term("name", "_1") == "_1.name"
    assert term("lower({n}.name)", "_1") == "(lower(_1.name))"


def test_ids_are_decoded_strictly() -> None:
    assert decode_id(base64.b64encode(b"Case:a:b").decode(), ()) == ("Case", "a:b")
    for wrong in (
        "Q2FzZTph\n",
        "Q2FzZTph!",
        "Q2FzZTp",
        base64.b64encode(b"Ca se:1").decode(),
        base64.b64encode(b"\xff:1").decode(),
    ):
        with pytest.raises(BadArgument):
            decode_id(wrong, ())


def test_keys_have_one_form() -> None:
    assert (
        encode_key("{12345678-1234-1234-1234-1234567890AB}", ROWS["Author"], ())
        == b"12345678-1234-1234-1234-1234567890ab"
    )
    assert encode_key("any", ROWS["Place"], ()) == b"any"


def test_values_become_parameters() -> None:
    values = [None, True, False, 1, 1.5, "x", ["a", None, True], {"a": [1]}]
    assert [encode(value, ()) for value in values] == [
        None, b"true", b"false", b"1", b"1.5", b"x", b'{"a",NULL,"true"}', b'{"a": [1]}'
    ]  # fmt: skip
