"""Questions about the schema itself, which only those who develop a client have."""

from __future__ import annotations

import re
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLSchema, Visitor, visit

from pat_platform.errors import Fault
from pat_platform.limits import validate_limited

ABOUT_SCHEMA = {"__schema", "__type"}
_NAMED = re.compile(rf"({'|'.join(ABOUT_SCHEMA)})\b")


def validate_closed(schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
    """Validate like ``validate_limited``, and refuse introspection. Raises Fault FORBIDDEN, and what that raises."""
    errors = validate_limited(schema, document)
    if not errors and _may_ask(document):
        visit(document, _NoIntrospection())
    return errors


def _may_ask(document: DocumentNode) -> bool:
    """Whether its text, where it is known, holds the name of such a field anywhere."""
    text = "" if document.loc is None else document.loc.source.body
    return not text or bool(_NAMED.search(text))


class _NoIntrospection(Visitor):
    def enter_field(self, node: FieldNode, *_: Any) -> None:
        if node.name.value in ABOUT_SCHEMA:
            raise Fault("FORBIDDEN", "The schema is not told here. It is published as schema.graphql.")
