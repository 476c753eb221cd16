"""Somebody on her way to an organisation's own provider, and back from it, whatever she went for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pat_auth.issuer.asked import Asked, once
from pat_auth.issuer.browsers import find_browser
from pat_auth.issuer.service import Service
from pat_auth.issuer.upstreams import Back, Trouble, Upstream, find_upstream, receive, send
from pat_auth.issuer.upstreams_tokens import Expected, Said
from pat_platform.logging import get_logger
from pat_server.sign_in.cookies import secret_in

log = get_logger("pat.sign_in")


@dataclass(frozen=True)
class Returned:
    """Somebody who is back from a provider that still stands."""

    upstream: Upstream
    back: Back
    query: Mapping[str, str] = field(repr=False)
    """What she was sent back with. It holds a code."""


def find_returned(service: Service, asked: Asked) -> Returned | None:
    """Who is back; None where this browser was not sent to this provider, or was back before, or took too long."""
    query = once(asked.query)
    try:
        ident = UUID(asked.path.rpartition("/")[2])
    except ValueError:
        return None
    with service.connections.transaction() as connection:
        browser = find_browser(connection, service, secret_in(asked.cookies, service.issuer))
        upstream = find_upstream(connection, ident)
        if browser is None or upstream is None:
            return None
        back = receive(connection, service, upstream=ident, browser=browser.id, state=query.get("state", ""))
    return Returned(upstream, back, query) if back else None


def sent_to(
    service: Service,
    upstream: Upstream,
    *,
    browser: UUID,
    ask: UUID | None = None,
    person: UUID | None = None,
) -> str:
    """Where somebody goes who leaves for a provider. Raises Trouble. Never call it with a connection in hand: it asks the provider."""
    ours = upstream.registered(service)
    service.providers.published(ours)
    with service.connections.transaction() as connection:
        sent = send(connection, service, upstream=upstream.id, browser=browser, ask=ask, person=person)
    return service.providers.address(ours, sent)


def believed(service: Service, returned: Returned) -> Said:
    """What the provider says of whoever is back. Raises Trouble. Never call it with a connection in hand: it asks the provider."""
    upstream, back, query = returned.upstream, returned.back, returned.query
    ours = upstream.registered(service)
    published = service.providers.published(ours)
    # RFC 9207: whoever else may have sent her back, with a code of its own or of another's.
    if query.get("iss", None if published.names_itself else upstream.issuer) != upstream.issuer:
        raise Trouble("ISSUER")
    if "error" in query:
        raise Trouble("DENIED")
    expected = Expected(upstream.issuer, upstream.client_id, back.sent.nonce, service.clock())
    return service.providers.redeem(ours, query.get("code", ""), back.sent, expected)


def tell_trouble(upstream: Upstream, trouble: Trouble) -> None:
    """Write into the log what went wrong with a provider: who was there is told that it did not work, and no more."""
    log.warning("upstream.failed", organisation=upstream.organisation, code=trouble.code)
