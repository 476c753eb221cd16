"""What inputs are taken for, before any verb sees them."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from graphql import GraphQLError, GraphQLScalarType

from pat_platform.errors import Fault
from pat_schema.ids import NOBODY, uuid_of
from pat_schema.root import graphql_schema
from pat_schema.translating import perform

KEY = UUID("2517ce49-dffc-4cd6-bb4b-e84a12e89c91")


def scalar(name: str) -> GraphQLScalarType:
    found = graphql_schema().type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


@pytest.mark.parametrize(
    ("name", "given", "taken"),
    [
        ("Date", "2026-11-21", date(2026, 11, 21)),
        ("DateTime", "2026-11-21T10:00:00+00:00", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        ("UUID", str(KEY), KEY),
        ("Paise", 100, 100),
    ],
)
def test_a_value_in_the_right_form_is_taken(name: str, given: object, taken: object) -> None:
    assert scalar(name).parse_value(given) == taken


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("Date", "21.11.2026"),
        ("Date", 7),
        ("DateTime", "2026-11-20T11:12:13"),
        ("DateTime", "now"),
        ("UUID", "nonsense"),
        ("Paise", "much"),
    ],
)
def test_a_value_in_another_form_is_bad_input_and_says_how_to_write_it(name: str, given: object) -> None:
    with pytest.raises(GraphQLError, match="write it as") as error:
        scalar(name).parse_value(given)
    assert error.value.extensions == {"code": "BAD_INPUT"}
    assert str(given) not in error.value.message


def test_an_id_is_the_key_of_its_type() -> None:
    assert uuid_of(b64encode(f"Case:{KEY}".encode()).decode(), "Case") == KEY


def test_an_id_of_another_type_is_nobodys() -> None:
    assert uuid_of(b64encode(f"Survivor:{KEY}".encode()).decode(), "Case") == NOBODY


@pytest.mark.parametrize("given", ["nonsense", "", "Q2FzZTo=", "ß", b64encode(b"\xff\xfe").decode()])
def test_what_is_no_id_is_bad_input(given: str) -> None:
    with pytest.raises(Fault) as fault:
        uuid_of(given, "Case")
    assert fault.value.code == "BAD_INPUT"


async def test_an_unknown_mutation_is_not_performed() -> None:
    with pytest.raises(KeyError):
        await perform("burnEverything", {}, None)  # type: ignore[arg-type]
