"""How a GraphQL field says where its value is found and which permission it needs.

Reads are declared: ``found(…)`` for a field of a type, ``@reads(…)`` for one with arguments. Mutations are verbs: ``@mutation(…)``.
Every root field names its permission; there is no default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import EnumMeta
from typing import Any, NoReturn, TypeVar

import strawberry
from strawberry.schema_directive import Location

from pat_auth.policy import Permission
from pat_platform.engine.declare import Declaration, Verb

DECLARATION = "declaration"
"""The key under which a field's metadata carries its declaration."""

URGENT = "No budget that is spent stands in its way."

Function = TypeVar("Function", bound=Callable[..., Any])
Class = TypeVar("Class", bound=type)
EnumClass = TypeVar("EnumClass", bound=EnumMeta)

PermissionEnum = strawberry.enum(
    Permission, description="What may be asked; which roles hold it, and how far, is the policy's."
)


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="requires",
    description="The permission without which the field cannot be asked for.",
)
class Requires:
    """Printed in the SDL on every field that needs a permission."""

    # The enum is made at run time, which a type checker cannot follow.
    permission: PermissionEnum  # type: ignore[valid-type]


def found(
    declaration: Declaration,
    description: str,
    *,
    requires: Permission | None = None,
    name: str | None = None,
) -> Any:
    """A field without arguments: where its value is found, and what it means to the reader of the API.

    ``name`` is what the API calls it, where that is a word of Python's own.
    """
    return strawberry.field(
        name=name,
        metadata={DECLARATION: _needing(declaration, requires)},
        description=description,
        directives=_directives(requires),
    )


def reads(declaration: Declaration, *, requires: Permission | None = None) -> Callable[[Function], Any]:
    """A field with arguments. The decorated function only declares them: it is never called. Its docstring documents the API."""

    def decorate(function: Function) -> Any:
        return strawberry.field(
            resolver=function,
            metadata={DECLARATION: _needing(declaration, requires)},
            description=_description(function),
            directives=_directives(requires),
        )

    return decorate


def always(given: Mapping[str, Any]) -> bool:
    """Whatever the input is."""
    return True


def mutation(
    *,
    requires: Permission,
    is_urgent: Callable[[Mapping[str, Any]], bool] | None = None,
    urgency: str = URGENT,
) -> Callable[[Function], Any]:
    """A mutation: the decorated function translates its input and calls a verb, nothing more.

    ``is_urgent`` says with which inputs it ends what is shared, or a life may depend on it: nobody's spent budget and nobody's lock then
    stands in its way, which ``urgency`` says in the API.
    """

    def decorate(function: Function) -> Any:
        description = _description(function)
        return strawberry.mutation(
            resolver=function,
            metadata={DECLARATION: Verb(requires=requires, is_urgent=is_urgent)},
            description=description if is_urgent is None else f"{description} {urgency}",
            directives=_directives(requires),
        )

    return decorate


def event(declaration: Declaration, *, requires: Permission) -> Callable[[Function], Any]:
    """A subscription: the decorated generator only declares what each event says. Its docstring documents the API."""

    def decorate(function: Function) -> Any:
        return strawberry.subscription(
            resolver=function,
            metadata={DECLARATION: _needing(declaration, requires)},
            description=_description(function),
            directives=_directives(requires),
        )

    return decorate


def described(cls: Class) -> Class:
    """An object type whose docstring is its description."""
    return strawberry.type(cls, description=_description(cls))


def input_type(cls: Class) -> Class:
    """An input type whose docstring is its description."""
    return strawberry.input(cls, description=_description(cls))


def codes(cls: EnumClass) -> EnumClass:
    """An enumeration of the domain as a GraphQL enum: names and stored codes are the same."""
    return strawberry.enum(cls, description=_description(cls))


def declared() -> NoReturn:
    """The body of a function that only declares a field's arguments."""
    raise AssertionError("reads are compiled, not resolved")


def _description(documented: object) -> str | None:
    text = inspect.getdoc(documented)
    return text.replace("``", "`") if text else None


def _needing(declaration: Declaration, requires: Permission | None) -> Declaration:
    return declaration if requires is None else replace(declaration, requires=requires)


def _directives(requires: Permission | None) -> list[object]:
    return [] if requires is None else [Requires(permission=requires)]
