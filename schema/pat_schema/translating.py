"""From a mutation's coerced arguments to the call of its function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from pat_schema.root import graphql_schema, schema
from pat_schema.verbs import Saved, Stopped, VerbContext

if TYPE_CHECKING:
    from graphql import GraphQLObjectType
    from strawberry.types.fields.resolver import StrawberryResolver


async def perform(name: str, arguments: Mapping[str, Any], context: VerbContext) -> Saved | Stopped:
    """Call the function of the mutation ``name``. Raises Refused and Fault, as the verbs do, and KeyError for an unknown one."""
    field = _MUTATIONS[name]
    typed = convert_arguments(
        dict(arguments), field.arguments, schema.schema_converter.scalar_registry, schema.config
    )
    # Resolvers of mutations are plain functions: `declaring.mutation` makes no others.
    function = cast(
        "Callable[..., Awaitable[Saved | Stopped]]",
        cast("StrawberryResolver[Any]", field.base_resolver).wrapped_func,
    )
    return await function(None, SimpleNamespace(context=context), **typed)


_MUTATIONS: Mapping[str, StrawberryField] = {
    name: field.extensions["strawberry-definition"]
    for name, field in cast("GraphQLObjectType", graphql_schema().mutation_type).fields.items()
}
