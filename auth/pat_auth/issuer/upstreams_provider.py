"""One OpenID provider, as we are its client: what it says of itself, its keys, and what it gives for a code.

The one module that uses an HTTP client of Authlib's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Condition, Lock
from typing import Any

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from joserfc.jwk import Key
from requests import RequestException
from urllib3.exceptions import HTTPError

from pat_auth.issuer.upstreams import Registered, Sent, Trouble
from pat_auth.issuer.upstreams_http import Way, check_address, session_for
from pat_auth.issuer.upstreams_tokens import Expected, Said, UnknownKey, public_keys, read

DOCUMENT = "/.well-known/openid-configuration"
SCOPE = "openid"
"""Who she is to the provider, and nothing else of her."""
FRESH_SECONDS = 3600.0
"""How long what a provider published is believed to stand."""
FAILED_SECONDS = 30.0
"""How long a provider is not asked anew that did not say what it is."""
AT_ONCE = 4
"""How many threads may ask providers: half of those that people sign in with."""
EACH_AT_ONCE = 2
"""How many of them may ask the same one."""
TURN_SECONDS = 1.0
"""How long a turn is waited for."""
WAITING = 2
"""How many threads may wait for a turn, each for another provider: the others are for whoever needs none."""
LONGEST_CODE = 4096
_BUSY = "BUSY"
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_IN_FORM, _IN_HEADER, _WITHOUT = "client_secret_post", "client_secret_basic", "none"


@dataclass(frozen=True)
class Published:
    """What a provider says of itself (OpenID Connect Discovery), and when we read it."""

    document: Mapping[str, Any] = field(repr=False)
    read_at: float
    keys: tuple[Key, ...] | None = field(default=None, repr=False)

    @property
    def names_itself(self) -> bool:
        """Whether it says in each answer who answers (RFC 9207)."""
        return self.document.get("authorization_response_iss_parameter_supported") is True


class Providers:
    """What is known of providers, for one process. Its methods ask them: never call them with a connection in hand."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Registered, Published] = {}
        self._failed: dict[Registered, tuple[str, float]] = {}
        self._lock = Lock()
        self._turns = Condition()
        self._asking: Counter[str] = Counter()
        self._waiting: set[str] = set()

    def address(self, ours: Registered, sent: Sent) -> str:
        """Where somebody is sent, to sign in there anew. Raises Trouble."""
        published = self.published(ours)
        with _session(ours, published) as session:
            url, _ = session.create_authorization_url(
                published.document["authorization_endpoint"],
                state=sent.state,
                nonce=sent.nonce,
                code_verifier=sent.verifier,
                max_age=0,
            )
        address: str = url
        return address

    def published(self, ours: Registered) -> Published:
        """What the provider says of itself, an hour old at most. Raises Trouble: also where it says that it is another.

        Where that failed half a minute ago or less, it is not asked anew.
        """
        with self._lock:
            known, failed = self._known.get(ours), self._failed.get(ours)
        if known is not None and self._clock() < known.read_at + FRESH_SECONDS:
            return known
        if failed is not None and self._clock() < failed[1] + FAILED_SECONDS:
            raise Trouble(failed[0])
        try:
            return self._keep(ours, self._discovered(ours))
        except Trouble as trouble:
            if trouble.code != _BUSY:
                with self._lock:
                    self._failed[ours] = trouble.code, self._clock()
            raise

    def _discovered(self, ours: Registered) -> Published:
        document = self._fetch(ours, ours.issuer.rstrip("/") + DOCUMENT)
        if document.get("issuer") != ours.issuer:
            raise Trouble("ISSUER")
        for name in _ENDPOINTS:
            check_address(document.get(name), allows_loopback=ours.allows_loopback)
        return Published(document, self._clock())

    def redeem(self, ours: Registered, code: str, sent: Sent, expected: Expected) -> Said:
        """What the provider says of whoever came back with the code. Raises Trouble."""
        if not 0 < len(code) <= LONGEST_CODE:
            raise Trouble("CODE")
        published = self.published(ours)
        with self._turn(ours.issuer), _session(ours, published) as session:
            token = session.fetch_token(
                published.document["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=sent.verifier,
            )
            given = token.get("id_token")
        try:
            return read(given, self._keys(ours, published), expected)
        except UnknownKey:
            pass
        try:
            # It may have begun to sign with another key meanwhile.
            return read(given, self._keys(ours, replace(published, keys=None)), expected)
        except UnknownKey:
            raise Trouble("KEY") from None

    def _keys(self, ours: Registered, published: Published) -> tuple[Key, ...]:
        if published.keys is not None:
            return published.keys
        keys = tuple(public_keys(self._fetch(ours, published.document["jwks_uri"])))
        self._keep(ours, replace(published, keys=keys))
        return keys

    def _keep(self, ours: Registered, published: Published) -> Published:
        with self._lock:
            self._known[ours] = published
        return published

    def _fetch(self, ours: Registered, url: str) -> dict[str, Any]:
        with self._turn(ours.issuer), _session(ours) as session:
            found = session.request("GET", url, withhold_token=True).json()
        if not isinstance(found, dict):
            raise Trouble("DOCUMENT")
        return found

    @contextmanager
    def _turn(self, issuer: str) -> Iterator[None]:
        """One of a few turns: a provider that does not answer keeps nobody waiting but those who go to it."""
        with self._turns:
            if not self._may_ask(issuer) and not self._has_waited(issuer):
                raise Trouble(_BUSY)
            self._asking[issuer] += 1
        try:
            yield
        finally:
            with self._turns:
                self._asking[issuer] -= 1
                self._turns.notify_all()

    def _may_ask(self, issuer: str) -> bool:
        return self._asking.total() < AT_ONCE and self._asking[issuer] < EACH_AT_ONCE

    def _has_waited(self, issuer: str) -> bool:
        """Whether there is a turn after a while; nobody waits where others do already."""
        if issuer in self._waiting or len(self._waiting) >= WAITING:
            return False
        self._waiting.add(issuer)
        try:
            return self._turns.wait_for(lambda: self._may_ask(issuer), TURN_SECONDS)
        finally:
            self._waiting.remove(issuer)


@contextmanager
def _session(ours: Registered, published: Published | None = None) -> Iterator[Any]:
    """Authlib's client, on our way out. Whatever goes wrong with it is Trouble."""
    session: Any = OAuth2Session(
        ours.client_id,
        ours.secret,
        redirect_uri=ours.redirect_uri,
        scope=SCOPE,
        code_challenge_method="S256",
        token_endpoint_auth_method=_method(ours, published),
    )
    try:
        yield session_for(session, Way(may_be_inside=ours.is_inside, allows_loopback=ours.allows_loopback))
    except OAuthError:
        raise Trouble("REFUSED") from None
    except (RequestException, HTTPError, OSError):
        raise Trouble("UNREACHABLE") from None
    except (ValueError, TypeError, AttributeError):
        raise Trouble("ANSWER") from None
    finally:
        session.close()


def _method(ours: Registered, published: Published | None) -> str:
    """How we show there that it is us. In the form a secret is sent as it is: in the header both sides must agree how it is escaped."""
    if ours.secret is None:
        return _WITHOUT
    offered = published.document.get("token_endpoint_auth_methods_supported") if published else None
    return _IN_FORM if isinstance(offered, list) and _IN_FORM in offered else _IN_HEADER
