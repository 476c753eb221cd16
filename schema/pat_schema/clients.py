"""The programs that an organisation's people sign in to, and what its administrators do with them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import strawberry

from pat_auth.clients import reads, service
from pat_auth.clients.models import ClientKind, Serves
from pat_auth.policy import Permission
from pat_platform.engine.declare import Column, GlobalId, ToMany
from pat_platform.engine.declare import Connection as Page
from pat_platform.engine.kinds import BOOL, CODE, DATETIME, INT, TEXT, TEXT_ARRAY
from pat_platform.engine.kinds import UUID as UUID_KIND
from pat_platform.errors import ChangedSince
from pat_schema.declaring import codes, declared, described, found, input_type, mutation
from pat_schema.declaring import reads as read_by
from pat_schema.ids import uuid_of
from pat_schema.node import Connection, Node
from pat_schema.problems import Conflict, Refusal
from pat_schema.verbs import VerbContext, conflict, saved

codes(ClientKind)
codes(Serves)

Info = strawberry.Info[VerbContext, None]


@described
class ClientKey:
    """A public key (RFC 7517) that a client signs with."""

    kid: str = found(Column("kid", TEXT, nullable=False), "The `kid` in the header of what it signs.")
    is_believed: bool = found(
        Column("is_believed", BOOL, nullable=False),
        "Whether what it signs is believed; no more once retired.",
    )
    created_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it was given to us.")


@described
class Client(Node):
    """A program that people sign in to, with all that it may ask for at most."""

    id: strawberry.ID = found(GlobalId("Client"), "Opaque.")
    client_id: UUID = found(
        Column("id", UUID_KIND, nullable=False),
        "The `client_id` of OAuth 2.1: what the program calls itself.",
    )
    name: str = found(Column("name", TEXT, nullable=False), "What people read when they let it in.")
    kind: ClientKind = found(Column("kind", CODE, nullable=False), "How it shows that it is itself.")
    serves: Serves = found(Column("serves", CODE, nullable=False), "Whose people may sign in to it.")
    redirect_uris: list[str] = found(
        Column("redirect_uris", TEXT_ARRAY, nullable=False), "Where people are sent back to, to the letter."
    )
    logout_uris: list[str] = found(
        Column("logout_uris", TEXT_ARRAY, nullable=False), "Where they are sent once they have signed out."
    )
    origins: list[str] = found(
        Column("origins", TEXT_ARRAY, nullable=False),
        "Whose pages may ask this server from within a browser.",
    )
    scopes: list[str] = found(
        Column("scopes", TEXT_ARRAY, nullable=False),
        "Its ceiling: whoever is signed in, it gets nothing beyond these scopes.",
    )
    keys: list[ClientKey] = found(
        ToMany(reads.KEYS, reads.OF_CLIENT, order=reads.NEWEST_KEY, estimate=2),
        "What it signs with, newest first; none for a public client.",
    )
    version: int = found(
        Column("version", INT, nullable=False), "Give it back as `baseVersion` when changing the client."
    )
    created_at: datetime = found(Column("created_at", DATETIME, nullable=False), "When it was registered.")
    disabled_at: datetime | None = found(
        Column("disabled_at", DATETIME), "Since when nobody can use it; null while it is in use."
    )


@input_type
class ClientFilter:
    """Which clients to list."""

    is_disabled: bool | None = strawberry.UNSET


@codes
class ClientOrder(StrEnum):
    """How clients are ordered."""

    NAME = "NAME"


@described
class ClientQuery:
    """Root fields about clients."""

    @read_by(
        Page(reads.CLIENTS, orders=reads.BY_NAME, default_order="NAME", filters=reads.FILTERS),
        requires=Permission.CLIENT_READ,
    )
    def clients(
        self,
        filter: ClientFilter | None = strawberry.UNSET,
        order_by: ClientOrder = ClientOrder.NAME,
        first: int | None = strawberry.UNSET,
        after: str | None = strawberry.UNSET,
        last: int | None = strawberry.UNSET,
        before: str | None = strawberry.UNSET,
    ) -> Connection[Client]:
        """The programs that the caller's organisation has registered."""
        declared()


@input_type
class RegisterClientInput:
    """A new client. `scopes` are its ceiling: `cases`, `identity`, `health`, `groups`, `referrals`, `administration`.

    `jwk` is the public key that it signs with (EC, P-256, as JSON), for all kinds but `PUBLIC`.
    """

    name: str
    scopes: list[str]
    kind: ClientKind = ClientKind.PUBLIC
    redirect_uris: list[str] = strawberry.field(default_factory=list)
    logout_uris: list[str] = strawberry.field(default_factory=list)
    origins: list[str] = strawberry.field(default_factory=list)
    jwk: str | None = None
    client_mutation_id: UUID | None = None


@input_type
class UpdateClientInput:
    """What to change on a client that was read at `baseVersion`; what is not given stays as it is, a list is given whole."""

    id: strawberry.ID
    base_version: int
    name: str | None = None
    redirect_uris: list[str] | None = None
    logout_uris: list[str] | None = None
    origins: list[str] | None = None
    scopes: list[str] | None = None
    client_mutation_id: UUID | None = None


@input_type
class RotateClientKeyInput:
    """A client's next public key: EC, P-256, as JSON. `retireOthers`: the keys before it got lost, and are not believed any more."""

    id: strawberry.ID
    jwk: str
    retire_others: bool = False
    client_mutation_id: UUID | None = None


@input_type
class DisableClientInput:
    """Which client to disable, for good."""

    id: strawberry.ID
    client_mutation_id: UUID | None = None


RegisterClientResult = Annotated[Client | Refusal, strawberry.union("RegisterClientResult")]
UpdateClientResult = Annotated[Client | Refusal | Conflict, strawberry.union("UpdateClientResult")]
RotateClientKeyResult = Annotated[Client | Refusal, strawberry.union("RotateClientKeyResult")]
DisableClientResult = Annotated[Client | Refusal, strawberry.union("DisableClientResult")]


@described
class ClientMutation:
    """What may be done with clients. Each needs a second factor that was proved within the last ten minutes."""

    @mutation(requires=Permission.CLIENT_REGISTER)
    async def register_client(self, info: Info, input: RegisterClientInput) -> RegisterClientResult:
        """Register a program that the organisation's people may sign in to. Its `clientId` is new."""
        client_id = await service.register_client(
            info.context.tx,
            name=input.name,
            kind=input.kind,
            scopes=input.scopes,
            redirect_uris=input.redirect_uris,
            logout_uris=input.logout_uris,
            origins=input.origins,
            jwk=input.jwk,
            allows_loopback=info.context.allows_loopback,
        )
        return saved(Client, client_id)

    @mutation(requires=Permission.CLIENT_REGISTER)
    async def update_client(self, info: Info, input: UpdateClientInput) -> UpdateClientResult:
        """Change a client. A narrower ceiling holds within five minutes. When somebody was faster, the answer is a Conflict."""
        client_id = uuid_of(input.id, "Client")
        changes = service.ClientChanges(
            name=input.name,
            redirect_uris=input.redirect_uris,
            logout_uris=input.logout_uris,
            origins=input.origins,
            scopes=input.scopes,
        )
        try:
            await service.update_client(
                info.context.tx,
                client_id=client_id,
                base_version=input.base_version,
                changes=changes,
                allows_loopback=info.context.allows_loopback,
            )
        except ChangedSince as faster:
            return conflict("client", faster.version)
        return saved(Client, client_id)

    @mutation(requires=Permission.CLIENT_REGISTER)
    async def rotate_client_key(self, info: Info, input: RotateClientKeyInput) -> RotateClientKeyResult:
        """Give a client another public key. The newest one before it is still believed, unless it got lost."""
        client_id = await service.rotate_client_key(
            info.context.tx,
            client_id=uuid_of(input.id, "Client"),
            jwk=input.jwk,
            retire_others=input.retire_others,
        )
        return saved(Client, client_id)

    @mutation(requires=Permission.CLIENT_REGISTER)
    async def disable_client(self, info: Info, input: DisableClientInput) -> DisableClientResult:
        """Let nobody use a client any more, and end every session that was opened through it, at once."""
        client_id = await service.disable_client(info.context.tx, client_id=uuid_of(input.id, "Client"))
        return saved(Client, client_id)
