"""What the engine refuses, and why. The caller gives each its code and its words."""

from collections.abc import Sequence

from graphql import GraphQLError

Path = tuple[str, ...]


class EngineError(Exception):
    """Anything the engine refuses to do."""


class DeclarationError(EngineError):
    """A declaration does not fit the GraphQL schema: a mistake in our own code, found at start."""


class NotCompilable(EngineError):
    """A valid operation that the engine cannot compile: a defect, never a reason to fall back."""


class Rejected(EngineError):
    """The request is no operation we can execute: syntax, validation, or its variables' values."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = list(errors)


class NotAllowed(EngineError):
    """The viewer may not ask for a field; nothing of the operation is executed."""

    def __init__(self, path: Path, field: str, requires: object) -> None:
        super().__init__(f"{field} is not allowed")
        self.path = path
        self.field = field
        self.requires = requires


class BadArgument(EngineError):
    """An argument's value is of the right type but not acceptable."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class BadCursor(BadArgument):
    """A cursor that this server did not make for this connection and order."""


class TooExpensive(EngineError):
    """An operation asks for more than one operation may."""

    def __init__(self, cost: int, most: int) -> None:
        super().__init__(f"This costs {cost} points; one operation may cost {most}.")
        self.cost = cost
        self.most = most
