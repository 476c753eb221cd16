"""A document, parsed and validated once: one operation of it and its fragments."""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    parse,
    validate,
)
from graphql.execution.collect_fields import (
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues, get_variable_values

from .errors import Rejected
from .variables import Structure

Parser = Callable[[str], DocumentNode]
Validator = Callable[[GraphQLSchema, DocumentNode], list[GraphQLError]]
MAX_VARIABLE_ERRORS = 20


@dataclass(frozen=True, eq=False)
class Operation:
    """An executable operation and what its selections need."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    structure: Structure
    digest: str
    length: int
    """Characters of the document."""

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation

    @property
    def root_type(self) -> GraphQLObjectType:
        """The type that the operation's root fields belong to. Raises Rejected if there is none."""
        found = self.schema.get_root_type(self.kind)
        if found is None:
            raise Rejected([GraphQLError(f"The schema has no {self.kind.value}.", self.node)])
        return found

    def variables(self, given: Mapping[str, Any] | None) -> VariableValues:
        """The variables' coerced values. Raises Rejected with one error for each that does not fit."""
        plain = self.structure.plainly(given or {})
        if plain is not None:
            return plain
        definitions = self.node.variable_definitions or ()
        values = get_variable_values(
            self.schema, definitions, dict(given or {}), MAX_VARIABLE_ERRORS, hide_suggestions=True
        )
        if isinstance(values, list):
            raise Rejected(values)
        return values

    def root_fields(self, variables: VariableValues) -> GroupedFieldSet:
        """Response key → field nodes of the operation itself."""
        return collect_fields(
            self.schema, self.fragments, variables, self.root_type, self.node
        ).grouped_field_set

    def fields(self, of: GraphQLObjectType, parents: Any, variables: VariableValues) -> GroupedFieldSet:
        """Response key → field nodes below the given ones, for an object of one concrete type."""
        return collect_subfields(
            self.schema, self.fragments, variables, self.node, of, parents
        ).grouped_field_set


def load(
    schema: GraphQLSchema,
    source: str,
    operation_name: str | None,
    *,
    parser: Parser = parse,
    validator: Validator = validate,
    digest_key: bytes = b"",
) -> Operation:
    """Parse and validate ``source`` and choose its operation.

    ``digest_key`` keys its digest. ``parser`` and ``validator`` may raise what they like, for instance for a document whose
    validation would cost too much.
    Raises Rejected.
    """
    try:
        document = parser(source)
    except GraphQLError as error:
        raise Rejected([error]) from error
    errors = validator(schema, document)
    if errors:
        raise Rejected(errors)
    node = _choose(document, operation_name)
    return Operation(
        schema,
        document,
        node,
        {
            definition.name.value: FragmentDetails(definition)
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        },
        Structure(schema, node),
        hmac.digest(digest_key, f"{operation_name or ''}\n{source}".encode(errors="replace"), "sha256").hex(),
        len(source),
    )


def _choose(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name is not None:
        for operation in operations:
            if operation.name is not None and operation.name.value == name:
                return operation
        raise Rejected([GraphQLError(f"Unknown operation named '{name}'.")])
    if not operations:
        raise Rejected([GraphQLError("Must provide an operation.")])
    if len(operations) > 1:
        raise Rejected([GraphQLError("Must provide operation name if query contains multiple operations.")])
    return operations[0]
