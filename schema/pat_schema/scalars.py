"""Scalars: how dates, moments, ids and money are written."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NewType
from uuid import UUID

import strawberry
from graphql import GraphQLError

Paise = NewType("Paise", int)
"""Money in paise: a hundredth of a rupee."""


def _reader(kind: str, parse: Any, form: str) -> Any:
    def read(value: Any) -> Any:
        try:
            return parse(value)
        except (TypeError, ValueError):
            raise GraphQLError(
                f"This is not a {kind}: write it as {form}.", extensions={"code": "BAD_INPUT"}
            ) from None

    return read


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no offset")
    return moment


SCALARS: dict[object, Any] = {
    date: strawberry.scalar(
        name="Date",
        description="A day of the calendar, ISO 8601: 2026-11-21.",
        serialize=str,
        parse_value=_reader("date", date.fromisoformat, "2026-11-21"),
        specified_by_url="https://scalars.graphql.org/andimarek/local-date",
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment, ISO 8601 with its offset; answers are in UTC.",
        serialize=str,
        parse_value=_reader("moment", _moment, "2026-11-21T10:00:00Z"),
        specified_by_url="https://scalars.graphql.org/andimarek/date-time",
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="A UUID, RFC 9562.",
        serialize=str,
        parse_value=_reader("UUID", UUID, "8 hexadecimal digits, then 4, 4, 4 and 12"),
        specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
    ),
    Paise: strawberry.scalar(
        name="Paise",
        description="Money in paise, a hundredth of a rupee: a whole number of up to 64 bits.",
        serialize=str,
        parse_value=_reader("sum of money", int, "a whole number of paise"),
    ),
}
