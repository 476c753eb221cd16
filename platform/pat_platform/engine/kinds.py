"""How a SQL value becomes JSON: one kind for each form a column may have."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A type of SQL value and how it is turned to JSON.

    ``json`` is SQL over ``{x}`` of type text for the value's JSON; ``text`` is SQL for the text of values
    that are JSON strings (None for the others), and ``is_plain`` says that nothing in it needs an escape.
    ``sql_type`` is what a parameter of this kind is cast to. ``fits`` names the built-in scalars it may
    stand for; any kind may stand for a custom scalar.
    """

    name: str
    sql_type: str
    json: str
    text: str | None
    fits: frozenset[str] = frozenset()
    is_list: bool = False
    is_plain: bool = False

    def written(self, sql: str) -> str:
        """SQL of type text for a value's JSON; NULL for NULL."""
        return self.json.replace("{x}", sql)

    def texted(self, sql: str) -> str | None:
        """SQL for the JSON string's text, or None when this kind is no JSON string."""
        return None if self.text is None else self.text.replace("{x}", sql)


_UTC = """to_char(({x})::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_FINITE = "nullif(nullif(nullif(({x})::float8, 'NaN'), 'Infinity'), '-Infinity')"
_STRING = frozenset({"String", "ID"})


def _quoted(text: str) -> str:
    return f"""('"' || {text} || '"')"""


TEXT = Kind("TEXT", "text", "to_json(({x})::text)::text", "({x})::text", _STRING)
# Text of which a CHECK constraint admits only what the field's enum stores: it is not checked again row by row.
CODE = Kind("CODE", "text", "to_json(({x})::text)::text", "({x})::text")
UUID = Kind("UUID", "uuid", _quoted("({x})::uuid::text"), "({x})::uuid::text", _STRING, is_plain=True)
INT = Kind("INT", "int4", "({x})::int4::text", None, frozenset({"Int"}))
# GraphQL's Int has 32 bits: a wider number needs a scalar of its own.
BIGINT = Kind("BIGINT", "int8", "({x})::int8::text", None)
FLOAT = Kind("FLOAT", "float8", f"({_FINITE})::text", None, frozenset({"Float"}))
BOOL = Kind("BOOL", "bool", "({x})::bool::text", None, frozenset({"Boolean"}))
# A date as JSON is ISO 8601 whatever DateStyle says; as text it is not, hence to_char.
DATE = Kind(
    "DATE", "date", "to_json(({x})::date)::text", "to_char(({x})::date, 'YYYY-MM-DD')", frozenset({"String"})
)
DATETIME = Kind("DATETIME", "timestamptz", _quoted(_UTC), _UTC, frozenset({"String"}), is_plain=True)
# Its numbers should fit a double: an answer that Python must complete passes through its JSON.
JSON = Kind("JSON", "json", "({x})::json::text", None)
TEXT_ARRAY = Kind("TEXT_ARRAY", "text[]", "to_json(({x})::text[])::text", None, _STRING, is_list=True)
CODE_ARRAY = Kind("CODE_ARRAY", "text[]", "to_json(({x})::text[])::text", None, is_list=True)
