"""Organisations' own OpenID providers as the operator keeps them: on an administrator's connection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from psycopg import Connection

from pat_auth.clients import rules
from pat_auth.clients.models import Serves
from pat_auth.issuer.service import Secrets
from pat_auth.issuer.upstreams import KEY, seal_secret
from pat_platform.errors import Refused
from pat_server.registry import acting_as, record

LONGEST_CLIENT_ID = 255
BECAUSE = "upstream disabled"


@dataclass(frozen=True, kw_only=True)
class NewUpstream:
    """What to register."""

    organisation: UUID
    name: str
    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    serves: Serves = Serves.ORGANISATION
    counts_as_both: Sequence[str] = ()
    is_inside: bool = False


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A provider, as the operator sees it in a list."""

    id: UUID
    organisation: str
    """Its slug."""
    name: str
    issuer: str
    serves: str
    linked: int
    """How many people it means."""
    is_disabled: bool


def register(connection: Connection, secrets: Secrets, new: NewUpstream) -> UUID:
    """Register a provider, in the connection's transaction; return its id. Raises Refused."""
    if not 0 < len(new.client_id) <= LONGEST_CLIENT_ID or not new.client_id.isascii():
        raise Refused("CLIENT_ID_UNFIT", "This is no client_id: copy it from the provider.", "clientId")
    name, upstream = rules.is_a_name(new.name), uuid4()
    sealed = seal_secret(secrets, upstream, new.secret) if new.secret else None
    with acting_as(connection, "pat_sec"):
        connection.execute(
            "insert into sec.upstreams (id, organisation_id, name, issuer, client_id, sealed, key, serves, counts_as_both,"
            " is_inside) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(upstream, new.organisation, name, new.issuer, new.client_id, sealed, KEY),
                *(new.serves.value, list(new.counts_as_both), new.is_inside),
            ),
        )
    detail = {"serves": new.serves.value, "countsAsBoth": list(new.counts_as_both), "inside": new.is_inside}
    record(connection, new.organisation, "upstream.added", [upstream], detail)
    return upstream


def listed(connection: Connection) -> list[Listed]:
    """All of them, by organisation and name."""
    with acting_as(connection, "pat_sec"):
        rows = connection.execute(
            "select u.id, o.slug, u.name, u.issuer, u.serves, u.disabled_at is not null,"
            " (select count(*) from sec.upstream_identities i where i.upstream_id = u.id and i.ended_at is null)"
            " from sec.upstreams u join app.organisations o on o.id = u.organisation_id order by o.slug, u.name, u.id"
        ).fetchall()
    return [
        Listed(
            id=id,
            organisation=slug,
            name=name,
            issuer=issuer,
            serves=serves,
            linked=linked,
            is_disabled=is_disabled,
        )
        for id, slug, name, issuer, serves, is_disabled, linked in rows
    ]


def disable(connection: Connection, upstream: UUID) -> int:
    """Let nobody come through a provider any more, for good, nor stay who has; return how many sessions ended. Raises Refused."""
    with acting_as(connection, "pat_sec"):
        row = connection.execute(
            "update sec.upstreams set disabled_at = now() where id = %s and disabled_at is null returning organisation_id",
            (upstream,),
        ).fetchone()
        if row is None:
            raise Refused(
                "NOT_FOUND", "There is no such provider, or it is disabled: `pat upstream list` shows all."
            )
        connection.execute(
            "update sec.browsers set ended_at = now() where upstream_id = %s and ended_at is null",
            (upstream,),
        )
        # Also those of a browser in which she has proved it here since: better one too many.
        ((ended,),) = connection.execute(
            "select sec.end_sessions(array(select distinct s.id from sec.sessions s"
            " join sec.upstream_visits v on v.browser_id = s.browser_id and v.used_at <= s.created_at"
            " where v.upstream_id = %s and v.person_id is null and s.expires_at > now()), %s)",
            (upstream, BECAUSE),
        ).fetchall()
    record(connection, row[0], "upstream.disabled", [upstream], {"sessions": ended})
    count: int = ended
    return count
