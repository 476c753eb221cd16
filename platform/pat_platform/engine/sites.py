"""Where in the response a field stands, and what happens there when something is missing."""

from dataclasses import dataclass, field
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLOutputType, is_list_type, is_non_null_type
from graphql.execution.collect_fields import FieldDetailsList

from .errors import Path


@dataclass(eq=False, slots=True)
class Site:
    """One field of the response, whatever the indexes of the lists above it. Made for each field of a document."""

    parent: "Site | None"
    key: str
    type_name: str
    field_name: str
    definition: GraphQLField
    details: FieldDetailsList
    path: Path = field(init=False)
    """The response keys down to here, without indexes."""

    def __post_init__(self) -> None:
        self.path = (*self.parent.path, self.key) if self.parent else (self.key,)

    @property
    def type(self) -> GraphQLOutputType:
        """The field's GraphQL type."""
        return self.definition.type

    @property
    def name(self) -> str:
        """Type.field, as messages spell it."""
        return f"{self.type_name}.{self.field_name}"

    @property
    def nodes(self) -> list[FieldNode]:
        """All field nodes that were merged into this field."""
        return [detail.node for detail in self.details]

    @property
    def depth(self) -> int:
        """How many lists the field's type nests."""
        depth, kind = 0, self.type
        while True:
            if is_non_null_type(kind):
                kind = kind.of_type
            if not is_list_type(kind):
                return depth
            depth, kind = depth + 1, kind.of_type

    def type_at(self, level: int) -> GraphQLOutputType:
        """The type of the field itself (level 0) or of an item of its lists."""
        kind: Any = self.type
        for _ in range(level):
            kind = (kind.of_type if is_non_null_type(kind) else kind).of_type
        found: GraphQLOutputType = kind
        return found

    def is_required(self, level: int = 0) -> bool:
        """Whether null is impossible there."""
        return is_non_null_type(self.type_at(level))

    def climb(self, level: int) -> int | None:
        """How many steps above this position an error's null lands; None: all of the data is null.

        Section 6.4.4 of the GraphQL specification: a null that may not be passes to the parent.
        """
        steps = 0
        site: Site | None = self
        while site is not None:
            if not site.is_required(level):
                return steps
            steps += 1
            if level:
                level -= 1
            else:
                site = site.parent
                level = site.depth if site else 0
        return None


@dataclass(frozen=True)
class NullViolation:
    """A value that may not be null is."""


@dataclass(frozen=True)
class UnknownEnum:
    """A stored value that the enum does not have; the marker carries it."""

    type_name: str


@dataclass(frozen=True)
class Failure:
    """An error known since the plan was made: an argument that is null but may not be."""

    error: GraphQLError


@dataclass(frozen=True)
class Step:
    """A value for a finishing step; its raw JSON follows the marker in an array."""

    name: str


@dataclass(frozen=True)
class Introspected:
    """A root field about the schema itself, answered without the database."""


@dataclass(frozen=True)
class UnknownId:
    """An id was asked for at the root that leads the caller to nothing: null; the marker carries what was asked for."""


Meaning = NullViolation | UnknownEnum | Failure | Step | Introspected | UnknownId


@dataclass(eq=False, slots=True)
class Mark:
    """What a marker in the raw JSON stands for: a position to repair, complete or null."""

    site: Site
    level: int
    meaning: Meaning
    climb: int | None
    required: bool


def mark(site: Site, level: int, meaning: Meaning) -> Mark:
    """The mark for a position; everything about it that does not depend on the data is worked out here."""
    return Mark(site, level, meaning, site.climb(level), site.is_required(level))
