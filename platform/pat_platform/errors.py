"""What goes wrong, in the two forms that may reach a client."""


class Fault(Exception):
    """A request that cannot be served: becomes a GraphQL error with `extensions.code`.

    `code` is one of UNAUTHENTICATED, STEP_UP_REQUIRED, FORBIDDEN, BAD_INPUT, BAD_CURSOR, TOO_LARGE, TOO_COMPLEX,
    THROTTLED, TIMEOUT, UNAVAILABLE, INTERNAL, and of HTTP METHOD_NOT_ALLOWED, NOT_ACCEPTABLE and UNSUPPORTED_MEDIA_TYPE. Clients read
    `message`: no names, no ids, no SQL. `path` names the field, if there is one.
    """

    def __init__(self, code: str, message: str, path: list[str | int] | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Refused(Exception):
    """What a domain rule refuses: becomes the GraphQL type `Refusal`, never an error.

    The sentence is for a caseworker: what happened and what to do. `field` names the input field, if there
    is one.
    """

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.field = field

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ChangedSince(Exception):
    """What the caller wants to change was changed by somebody else since she read it; `version` is what it has now."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version
