"""The root fields __schema and __type: graphql-core answers them, the database has no part in it."""

from collections.abc import Mapping
from typing import Any

from graphql import DocumentNode, OperationDefinitionNode, SelectionSetNode, execute_sync

from .document import Operation
from .errors import Rejected
from .plan import Plan


def about_schema(operation: Operation, plan: Plan, variables: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Response key → value for the plan's root fields about the schema. Raises Rejected."""
    nodes = tuple(node for mark in plan.introspection for node in mark.site.nodes)
    asked = operation.node
    alone = OperationDefinitionNode(
        operation=asked.operation,
        name=asked.name,
        variable_definitions=asked.variable_definitions,
        directives=(),
        selection_set=SelectionSetNode(selections=nodes),
        loc=asked.loc,
    )
    fragments = [fragment.definition for fragment in operation.fragments.values()]
    document = DocumentNode(definitions=(alone, *fragments), loc=operation.document.loc)
    result = execute_sync(operation.schema, document, variable_values=dict(variables or {}))
    if result.errors or result.data is None:
        raise Rejected(result.errors or [])
    return result.data
