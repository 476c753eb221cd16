"""Mutations: their verbs belong to the caller; what they return is compiled, or completed from values."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import orjson
from graphql import (
    GraphQLError,
    OperationType,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.values import VariableValues

from .arguments import Reader, encode_key
from .complete import Completed
from .declare import Verb
from .document import Operation
from .engine import Engine
from .errors import EngineError, Rejected, TooExpensive
from .forms import Form, Place, Root
from .literals import Literal
from .plan import Bound, Plan
from .price import VERB
from .registry import View, Viewer
from .sites import Site


class Mutation:
    """A mutation about to be executed: its verbs in order, and their answers' form.

    Everything that can be refused without executing a verb is refused when this is made: variables,
    permissions, the selections of every type that a verb may return.
    """

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        variables: Mapping[str, Any] | None,
        viewer: Viewer,
        viewer_key: Hashable,
    ) -> None:
        """Raises Rejected, NotAllowed, BadArgument and TooExpensive."""
        if operation.kind is not OperationType.MUTATION:
            raise EngineError(f"a {operation.kind.value} is not a mutation")
        self._engine = engine
        self._operation = operation
        self._viewer = viewer
        self._viewer_key = viewer_key
        self._variables: VariableValues = operation.variables(variables)
        fingerprint = operation.structure.fingerprint(self._variables)
        known = engine.form(operation, viewer_key, fingerprint)
        self._form = known or Form(View(engine.declarations, viewer))
        self._fields: list[tuple[str, Root | None]] = []
        try:
            if known is None:
                for name, details in operation.root_fields(self._variables).items():
                    self._form.places.append((name, self._place(name, details)))
                    self._fields.append(self._root(*self._form.places[-1]))
            else:
                self._fields += [self._root(*place) for place in known.places]
        except GraphQLError as error:
            raise Rejected([error]) from error
        self.cost = sum(self._price(root) for root in self.roots)
        """Points: the verbs, and for each of them the dearest of what it may return."""
        if known is None:
            engine.keep_form(self._form, operation, viewer_key, fingerprint)
        if self.cost > engine.settings.max_cost:
            raise TooExpensive(self.cost, engine.settings.max_cost)

    @property
    def roots(self) -> list[Root]:
        """The root fields, in the order in which their verbs are to be called."""
        return [root for _, root in self._fields if root is not None]

    def row(self, root: Root, type_name: str, key: Any) -> Bound:
        """The statement that reads a row back as what the verb returns. Raises BadArgument."""
        row = self._form.view.rows[type_name]
        encoded = encode_key(key, row, root.site.path)
        return self._engine.bind(self._plan(root, type_name), self._variables, key=encoded)

    def values(self, root: Root, type_name: str, values: Mapping[str, Any]) -> Completed:
        """What the verb returns, where it is no row: an object of the type with these fields' values."""
        return Literal(self._operation, self._variables).complete(root.site, type_name, values)

    def failed(self, root: Root, error: GraphQLError) -> Completed:
        """A verb that returned nothing but an error."""
        located = GraphQLError(error.message, root.site.nodes, path=[root.key], extensions=error.extensions)
        return Completed(b"null", [dict(located.formatted)], root.site.is_required())

    def response(self, completed: Sequence[Completed]) -> Completed:
        """All root fields' values as the data. After one that climbed, the rest need not be executed."""
        errors = [error for each in completed for error in each.errors]
        if any(each.climbed for each in completed):
            return Completed(b"null", errors)
        values = iter(completed)
        parts = []
        for key, root in self._fields:
            value = orjson.dumps(self._operation.root_type.name) if root is None else next(values).data
            parts.append(orjson.dumps(key) + b":" + value)
        return Completed(b"{" + b",".join(parts) + b"}", errors)

    def _root(self, key: str, place: Place | None) -> tuple[str, Root | None]:
        return key, None if place is None else place.root(self._variables)

    def _place(self, key: str, details: Any) -> Place | None:
        node = details[0].node
        root_type = self._operation.root_type
        definition = self._operation.schema.get_field(root_type, node.name.value)
        if node.name.value == "__typename" or definition is None:
            return None
        site = Site(None, key, root_type.name, node.name.value, definition, details)
        verb = self._form.view.field(root_type.name, site.field_name, site.path)
        if not isinstance(verb, Verb):
            raise EngineError(f"{site.name} is not declared as a Verb")
        return Place(site, Reader(definition, node))

    def _price(self, root: Root) -> int:
        rows = [
            self._engine.cost(self._plan(root, type_name), self._variables)
            for type_name in self._row_types(root)
        ]
        return VERB + max(rows, default=0)

    def _row_types(self, root: Root) -> list[str]:
        types = self._form.types.get(root.key)
        if types is None:
            types = self._form.types[root.key] = self._returned_rows(root)
        return types

    def _returned_rows(self, root: Root) -> list[str]:
        named = get_named_type(root.site.type)
        if is_abstract_type(named):
            possible = [each.name for each in self._operation.schema.get_possible_types(named)]
        else:
            possible = [named.name] if is_object_type(named) else []
        return [name for name in possible if name in self._engine.declarations.rows]

    def _plan(self, root: Root, type_name: str) -> Plan:
        engine, operation, part = self._engine, self._operation, (root.key, type_name)
        plan = self._form.plans.get(part)
        if plan is None:
            plan = self._form.plans[part] = engine.plan(
                operation,
                part,
                self._variables,
                self._viewer_key,
                lambda hidden: engine.planner.payload(operation, root.site, type_name, hidden, self._viewer),
            )
        return plan
