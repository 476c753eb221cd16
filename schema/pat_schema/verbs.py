"""What a mutation's function gets and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar, cast
from uuid import UUID

from pat_auth.mails.outbox import Outbox
from pat_auth.principal import Principal
from pat_platform.database.transaction import Transaction
from pat_schema.problems import Conflict
from pat_tenants.vault import Vault


@dataclass(frozen=True)
class Saved:
    """The row that a mutation answers with: its GraphQL type and its key."""

    type_name: str
    id: UUID


@dataclass(frozen=True)
class Stopped:
    """A problem that a mutation answers with: a GraphQL type that implements Problem, and the values of its fields."""

    type_name: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """What a mutation has done, where there is no row to read back: a GraphQL type, and the values of its fields.

    It cannot be replayed: its input has no ``clientMutationId``.
    """

    type_name: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class VerbContext:
    """What a mutation's function works with, as ``info.context``."""

    tx: Transaction
    vault: Vault
    principal: Principal
    allows_loopback: bool = False
    """Whether clients may be on the machine of whoever develops them: in the demo, and on a developer's server."""
    outbox: Outbox | None = None
    """Where letters are put; None where no mail is sent."""
    issuer: str = ""
    """Where people sign in: an origin."""


T = TypeVar("T")


def saved(kind: type[T], id: UUID) -> T:
    """The answer of a mutation that succeeded: read back under the caller's rights, in the same transaction."""
    return cast("T", Saved(kind.__name__, id))


def told(kind: type[T], **values: Any) -> T:
    """The answer of a mutation that succeeded and leaves nothing to read: its session may be over."""
    return cast("T", Told(kind.__name__, values))


def stopped(kind: type[T], **values: Any) -> T:
    """The answer of a mutation that did nothing."""
    return cast("T", Stopped(kind.__name__, values))


def conflict(noun: str, version: int) -> Conflict:
    """The answer to a change that came too late: what was read has ``version`` by now."""
    return stopped(
        Conflict,
        code="CHANGED_SINCE",
        message=f"Somebody else changed this {noun} since you read it. Read it again, then decide.",
        field="baseVersion",
        currentVersion=version,
    )
