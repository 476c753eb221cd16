"""GraphQL over HTTP: one endpoint, which executes what is posted to it."""

from __future__ import annotations

from typing import NamedTuple

from pat_auth.principal import STEP_UP_SECONDS
from pat_auth.tokens import FollowingVerifier
from pat_platform.errors import Fault
from pat_platform.observation import Observation
from pat_server.asked import Asked
from pat_server.executing import Executor
from pat_server.media import GRAPHQL_JSON, JSON, negotiate, reads_pages
from pat_server.requests import Answer, faulty

EXPLORER = b"graphiql"

STATUS = {
    "UNAUTHENTICATED": 401,
    "STEP_UP_REQUIRED": 401,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "THROTTLED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "TIMEOUT": 503,
}
"""Statuses of faults that stand above GraphQL, whatever the client reads."""

# RFC 9470: what a client asks for when it sends her to sign in again.
STEP_UP = (
    b'Bearer error="insufficient_user_authentication",'
    b' error_description="Both factors must have been proved lately", acr_values="2", max_age="%d"'
    % STEP_UP_SECONDS
)

CONTENT_TYPES = {
    media: (b"content-type", f"{media}; charset=utf-8".encode()) for media in (JSON, GRAPHQL_JSON)
}


class Reply(NamedTuple):
    """An answer as HTTP carries it."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class GraphQLEndpoint:
    """Reads a request, names its principal, has it executed, words the answer.

    ``is_explorable``: queries may come by GET too, whose addresses end up in logs and histories on the way; and who comes
    with a browser is shown the explorer.
    """

    def __init__(
        self, executor: Executor, verifier: FollowingVerifier, *, is_explorable: bool = False
    ) -> None:
        self._executor = executor
        self._verifier = verifier
        self._methods = ("GET", "POST") if is_explorable else ("POST",)

    async def __call__(self, asked: Asked, observation: Observation) -> Reply:
        """The reply to whatever was asked, so that no method is answered by anybody else. Never raises."""
        if self._is_visit(asked):
            return Reply(303, [(b"location", EXPLORER), (b"content-length", b"0")], b"")
        media = negotiate(asked.header(b"accept"))
        answer = await self._answer(asked, media, observation)
        return self._reply(answer, media or JSON, observation)

    async def _answer(self, asked: Asked, media: str | None, observation: Observation) -> Answer:
        """The answer to one request."""
        try:
            if asked.method not in self._methods:
                raise Fault("METHOD_NOT_ALLOWED", f"Send a {' or '.join(self._methods)} request.")
            if media is None:
                raise Fault("NOT_ACCEPTABLE", f"Accept {GRAPHQL_JSON} or {JSON}: nothing else is answered.")
            caller = self._executor.caller(self._verifier.verify(bearer(asked.header(b"authorization"))))
            observation.asker = caller.asker
            request = await asked.request()
        except Fault as fault:
            return faulty(fault, is_early=True)
        return await self._executor.execute(request, caller)

    def _is_visit(self, asked: Asked) -> bool:
        """Whether somebody has typed our address into a browser, and may look around."""
        is_bare = asked.method == "GET" and not asked.scope["query_string"]
        return is_bare and "GET" in self._methods and reads_pages(asked.header(b"accept"))

    def _reply(self, answer: Answer, media: str, observation: Observation) -> Reply:
        headers = [CONTENT_TYPES[media], (b"content-length", b"%d" % len(answer.body))]
        if answer.code is None:
            return Reply(200, headers, answer.body)
        observation.failed(answer.code)
        # Who reads plain JSON alone takes another status for a line that is broken.
        otherwise = 400 if answer.is_early or media == GRAPHQL_JSON else 200
        status = STATUS.get(answer.code, otherwise)
        headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
        if status == 401:
            challenge = STEP_UP if answer.code == "STEP_UP_REQUIRED" else b"Bearer"
            headers.append((b"www-authenticate", challenge))
        if status == 405:
            headers.append((b"allow", ", ".join(self._methods).encode()))
        return Reply(status, headers, answer.body)


def bearer(authorization: str) -> str:
    """The access token of a request (RFC 6750). Raises Fault UNAUTHENTICATED."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Fault("UNAUTHENTICATED", "Sign in first: send an access token as Authorization: Bearer.")
    return token.strip()
