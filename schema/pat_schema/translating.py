"""From a mutation's coerced arguments to the call of its function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Any

from strawberry.types.arguments import convert_arguments
from strawberry.types.field import StrawberryField

from pat_schema.root import graphql_schema, schema
from pat_schema.verbs import Saved, Stopped, VerbContext


async def perform(name: str, arguments: Mapping[str, Any], context: VerbContext) -> Saved | Stopped:
    """Call the function of the mutation ``name``. Raises Refused and Fault, as the verbs do."""
    field = _mutation(name)
    typed = convert_arguments(
        dict(arguments), field.arguments, schema.schema_converter.scalar_registry, schema.config
    )
    resolver = field.base_resolver
    if resolver is None:
        raise LookupError(name)
    function: Callable[..., Awaitable[object]] = resolver.wrapped_func  # type: ignore[assignment]  # never a class method here
    answer = await function(None, SimpleNamespace(context=context), **typed)
    if not isinstance(answer, Saved | Stopped):
        raise TypeError(f"{name} answered neither with a saved row nor with a problem")
    return answer


def _mutation(name: str) -> StrawberryField:
    mutation_type = graphql_schema().mutation_type
    if mutation_type is None:
        raise LookupError(name)
    field = mutation_type.fields[name].extensions["strawberry-definition"]
    if not isinstance(field, StrawberryField):
        raise LookupError(name)
    return field
