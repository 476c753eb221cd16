"""A field's arguments: what a plan may know of them, and how their values become parameters."""

import base64
import binascii
import enum
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any, Protocol

from graphql import (
    FieldNode,
    GraphQLField,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_enum_type,
    is_input_object_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from .declare import Row
from .errors import BadArgument, DeclarationError, Path
from .kinds import UUID
from .quote import array_literal
from .sites import Site

_CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


class Values(Protocol):
    """One request's variables, and the coerced arguments of a field."""

    variables: VariableValues

    def arguments(self, reader: "Reader", /) -> dict[str, Any]:
        """The coerced arguments of a field."""
        ...


Reading = Callable[[Values], Any]


@dataclass(eq=False, slots=True)
class Reader:
    """Reads the arguments of one field of a document from a request's variables."""

    definition: GraphQLField
    node: FieldNode

    def read(self, variables: VariableValues) -> dict[str, Any]:
        """The coerced arguments. Raises GraphQLError where a null variable meets a non-null argument."""
        return get_argument_values(self.definition, self.node, variables)

    def keys(self, dotted: str) -> tuple[str, ...]:
        """Where ``name`` or ``name.field`` stands in the coerced arguments. Raises DeclarationError."""
        first, *rest = dotted.split(".")
        argument = self.definition.args.get(first)
        if argument is None:
            raise DeclarationError(f"{self.node.name.value} has no argument {first}")
        found, keys = argument.type, [argument.out_name or first]
        for name in rest:
            inner = get_named_type(found)
            if not is_input_object_type(inner) or name not in inner.fields:
                raise DeclarationError(f"{self.node.name.value} has no argument {dotted}")
            found = inner.fields[name].type
            keys.append(inner.fields[name].out_name or name)
        return tuple(keys)

    def at(self, keys: tuple[str, ...]) -> "Reading":
        """What reads the value at a path of keys from a request's variables; None where any of it is missing."""
        variable = self._variable_at(keys)

        def read(binding: "Values") -> Any:
            value = None if variable is None else binding.variables.coerced.get(variable)
            # Where it is missing or null, a default may stand in for it.
            return dig(binding.arguments(self), keys) if value is None else value

        return read

    def _variable_at(self, keys: tuple[str, ...]) -> str | None:
        """The name of the variable that stands at a path of keys in the document."""
        given: Any = self.node.arguments or ()
        known: Mapping[str, Any] = self.definition.args
        value: ValueNode | None = None
        for key in keys:
            names = {name for name, each in known.items() if (each.out_name or name) == key}
            value = next((each.value for each in given if each.name.value in names), None)
            if not isinstance(value, ObjectValueNode):
                given, known = (), {}
                continue
            (name,) = names
            inner = get_named_type(known[name].type)
            given, known = value.fields, inner.fields if is_input_object_type(inner) else {}
        return value.name.value if isinstance(value, VariableNode) else None

    def enum_name(self, argument: str, value: Any) -> str:
        """The name in the document's language of an enum argument's coerced value."""
        kind = get_named_type(self.definition.args[argument].type)
        if is_enum_type(kind):
            for name, member in kind.values.items():
                if member.value == value or plain(member.value) == plain(value):
                    return str(name)
        raise DeclarationError(f"{self.node.name.value}({argument}:) is no enum")


@dataclass(eq=False, slots=True)
class Field:
    """A field being compiled: its place, and its arguments as far as a plan may know them."""

    site: Site
    reader: Reader
    known: Mapping[str, Any]


def dig(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The value at a path of keys; None where any of it is missing."""
    found: Any = values
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
        if found is None:
            return None
    return found


def plain(value: Any) -> Any:
    """An enum member's value; anything else itself."""
    return value.value if isinstance(value, enum.Enum) else value


def encode(value: Any, path: Path) -> bytes | None:
    """A coerced value as a parameter in PostgreSQL's text format. Raises BadArgument."""
    text = _text(value)
    if text is None:
        return None
    if "\0" in text:
        raise BadArgument(path, "The text contains a NUL character.")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise BadArgument(path, "The text is not valid Unicode.") from error


def _text(value: Any) -> str | None:
    value = plain(value)
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return array_literal(_text(item) for item in value)
    if isinstance(value, Mapping):
        return json.dumps(value, default=_text)
    return str(value)


def decode_id(value: Any, path: Path) -> tuple[str, str]:
    """A global id's type name and key. Raises BadArgument unless it is base64 of ``Type:key``."""
    try:
        text = base64.b64decode(str(value).encode("ascii"), validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise BadArgument(path, "This is not an id.") from error
    type_name, separator, key = text.partition(":")
    if not separator or not type_name.isidentifier() or not key or "\0" in key:
        raise BadArgument(path, "This is not an id.")
    return type_name, key


def key_of(value: Any, type_name: str, row: Row, path: Path) -> bytes | None:
    """The key in a global id, or None for an id of another type. Raises BadArgument for anything else."""
    if value is None:
        return None
    found, key = decode_id(value, path)
    if found != type_name:
        return None
    return encode_key(key, row, path)


def encode_key(key: Any, row: Row, path: Path) -> bytes | None:
    """A row's key as a parameter. Raises BadArgument if it is not of the key's kind."""
    if row.kind is not UUID:
        return encode(key, path)
    text = str(key)
    if _CANONICAL_UUID.fullmatch(text):
        return text.encode()
    try:
        return str(uuid.UUID(text)).encode()
    except ValueError as error:
        raise BadArgument(path, "This is not an id.") from error
