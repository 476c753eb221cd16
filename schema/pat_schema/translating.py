"""From a mutation's coerced arguments to the call of its function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import MISSING, dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from strawberry.types.base import StrawberryList, StrawberryOptional, has_object_definition
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from pat_schema.root import graphql_schema, schema
from pat_schema.verbs import Saved, Stopped, Told, VerbContext

if TYPE_CHECKING:
    from graphql import GraphQLObjectType
    from strawberry.types.fields.resolver import StrawberryResolver

Convert = Callable[[Any], Any]


async def perform(name: str, arguments: Mapping[str, Any], context: VerbContext) -> Saved | Told | Stopped:
    """Call the function of the mutation ``name``. Raises Refused and Fault, as the verbs do, and KeyError for an unknown one."""
    mutation = _MUTATIONS[name]
    return await mutation.function(None, SimpleNamespace(context=context), **mutation.typed(arguments))


@dataclass(frozen=True)
class _Mutation:
    """A mutation's function, and how what it takes is made of what GraphQL coerced."""

    function: Callable[..., Awaitable[Saved | Told | Stopped]]
    parts: tuple[tuple[str, str, Convert | None], ...]

    def typed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return _converted(self.parts, arguments)


def _converted(
    parts: tuple[tuple[str, str, Convert | None], ...], given: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        python_name: given[name] if convert is None or given[name] is None else convert(given[name])
        for name, python_name, convert in parts
        if name in given
    }


def _conversion(kind: Any) -> Convert | None:
    """What makes a Python value of a coerced one; None where they are the same. Null stays null."""
    if isinstance(kind, StrawberryOptional):
        return _conversion(kind.of_type)
    if isinstance(kind, LazyType):
        return _conversion(kind.resolve_type())
    if isinstance(kind, StrawberryList):
        inner = _conversion(kind.of_type)
        return (
            list if inner is None else lambda items: [None if each is None else inner(each) for each in items]
        )
    if has_object_definition(kind):
        return _input(kind)
    return None


def _input(kind: Any) -> Convert:
    definition = kind.__strawberry_definition__
    parts = tuple(
        (
            schema.config.name_converter.from_field(field),
            field.python_name,
            _conversion(field.resolve_type(type_definition=definition)),
        )
        for field in definition.fields
    )
    # graphql-core has seen that what is required is there.
    absent = {field.python_name: None for field in definition.fields if not _has_default(field)}
    return lambda given: kind(**{**absent, **_converted(parts, given)})


def _has_default(field: StrawberryField) -> bool:
    return field.default is not MISSING or field.default_factory is not MISSING


def _mutation(field: StrawberryField) -> _Mutation:
    # Resolvers of mutations are plain functions: `declaring.mutation` makes no others.
    resolver = cast("StrawberryResolver[Any]", field.base_resolver)
    names = schema.config.name_converter
    parts = tuple(
        (names.from_argument(argument), argument.python_name, _conversion(argument.type))
        for argument in field.arguments
    )
    return _Mutation(cast("Callable[..., Awaitable[Saved | Told | Stopped]]", resolver.wrapped_func), parts)


_MUTATIONS: Mapping[str, _Mutation] = {
    name: _mutation(field.extensions["strawberry-definition"])
    for name, field in cast("GraphQLObjectType", graphql_schema().mutation_type).fields.items()
}
