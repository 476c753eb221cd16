"""Questions about the schema itself, which only those who develop a client have."""

from __future__ import annotations

from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLSchema, Visitor, visit

from pat_platform.errors import Fault
from pat_platform.limits import validate_limited

ABOUT_SCHEMA = {"__schema", "__type"}


def validate_closed(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Validate like ``validate_limited``, and refuse introspection. Raises Fault FORBIDDEN, and what that raises."""
    errors = validate_limited(schema, document)
    if not errors:
        visit(document, _NoIntrospection())
    return errors


class _NoIntrospection(Visitor):
    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in ABOUT_SCHEMA:
            raise Fault("FORBIDDEN", "The schema is not told here. It is published as schema.graphql.")
