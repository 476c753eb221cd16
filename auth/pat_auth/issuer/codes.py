"""Authorization codes: asked for by way of a browser, exchanged once for tokens (RFC 6749 §4.1, OAuth 2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeGrant, BaseGrant, InvalidRequestError, OAuth2Request
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import AuthorizationCodeMixin
from authlib.oidc.core.errors import RequestNotSupportedError, RequestURINotSupportedError
from authlib.oidc.core.grants.util import validate_request_prompt
from psycopg.rows import class_row

from pat_auth.issuer.clients import Client
from pat_auth.issuer.issuing import (
    Granted,
    Tokens,
    hash_of,
    is_refreshed,
    keep_refresh_token,
    new_secret,
    session_lasts,
)
from pat_auth.issuer.members import Member
from pat_auth.issuer.metadata import SIGNED
from pat_auth.issuer.requests import OAuthRequest, Payload
from pat_auth.issuer.sessions import mark_session, open_session, revoke_session
from pat_auth.issuer.standing import Standing, Strength
from pat_auth.policy import Role
from pat_auth.principal import Principal

if TYPE_CHECKING:
    from pat_auth.issuer.server import Server

LASTS = timedelta(seconds=60)
"""How long a code may be exchanged."""
LONGEST_NONCE = 255
MOST_DIGITS = 9
REPLAYED = "code replayed"
METHOD = "S256"
CHALLENGE_LENGTH = 43
"""Of SHA-256 in base64url (RFC 7636 §4.2)."""

_FIND = (
    "select hash, redirect_uri, scopes, nonce, challenge, browser_id as browser, person_id as person,"
    " organisation_id as organisation, membership_id as membership, auth_time, acr, amr, expires_at, used_at,"
    " session_id as session, is_duress from sec.codes where hash = %s and client = %s for update"
)
_HOLD = "select from sec.people where id = (select person_id from sec.codes where hash = %s and client = %s) for share"
_KEEP = (
    "insert into sec.codes (hash, client, redirect_uri, scopes, resource, nonce, challenge, browser_id, person_id,"
    " organisation_id, membership_id, auth_time, acr, amr, is_duress, created_at, expires_at)"
    " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)


@dataclass(frozen=True)
class Chosen:
    """Who lets a client act for her, and in which of her memberships."""

    standing: Standing
    member: Member


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):
    """A code that was handed out. Its methods are those that Authlib asks for."""

    hash: bytes
    redirect_uri: str
    scopes: list[str]
    nonce: str | None = field(repr=False)
    challenge: str = field(repr=False)
    browser: UUID
    person: UUID
    organisation: UUID
    membership: UUID
    auth_time: datetime
    acr: str
    amr: list[str]
    expires_at: datetime
    used_at: datetime | None
    session: UUID | None = field(repr=False)
    is_duress: bool = field(repr=False)

    def get_redirect_uri(self) -> str:
        """Where the code was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What was consented to."""
        return " ".join(self.scopes)

    def get_nonce(self) -> str | None:
        """What the client will recognise its own question by."""
        return self.nonce

    def get_auth_time(self) -> int:
        """When she signed in, in seconds since 1970."""
        return int(self.auth_time.timestamp())

    def get_acr(self) -> str:
        """With how many factors."""
        return self.acr

    def get_amr(self) -> list[str]:
        """With which."""
        return self.amr


class CodeGrant(AuthorizationCodeGrant):
    """Codes: what is asked of a client that wants one, how they are kept, and what becomes of them."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("none", SIGNED)
    server: Server
    request: OAuthRequest

    def validate_authorization_request(self) -> str:
        """Where to send the code. Raises OAuth2Error; one that the client may be told knows where to send it."""
        redirect_uri = super().validate_authorization_request()
        try:
            _demand(self.request.payload, self.server.service.audience)
            validate_request_prompt(self, redirect_uri)
        except OAuth2Error as error:
            error.redirect_uri = redirect_uri
            raise
        return redirect_uri

    def generate_authorization_code(self) -> str:
        """A code that nobody guesses."""
        return new_secret()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        """Keep the code, with all that the tokens will say."""
        payload, client, chosen = self.request.payload, self.request.client, self.request.user
        assert isinstance(client, Client)
        assert isinstance(chosen, Chosen)
        standing, member = chosen.standing, chosen.member
        now = self.server.service.clock()
        self.server.connection.execute(
            _KEEP,
            (
                hash_of(code),
                client.id,
                payload.redirect_uri,
                self.request.scope.split(),
                payload.data.get("resource"),
                payload.data.get("nonce"),
                payload.data["code_challenge"],
                standing.browser,
                standing.person,
                member.organisation,
                member.membership,
                standing.auth_time,
                standing.acr.value,
                standing.amr,
                standing.is_duress,
                now,
                now + LASTS,
            ),
        )

    def validate_token_request(self) -> None:
        """Whether client, code, address, verifier and resource are what they must be. Raises OAuth2Error."""
        super().validate_token_request()
        demand_resource(self.request.payload, self.server.service.audience)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:  # type: ignore[override]  # ours
        """The code, locked until the transaction ends, if it was made for this client and may still be exchanged.

        One that comes again was stolen, before or now: the session that it opened ends.
        """
        connection = self.server.connection
        # Hers is held before the code is: whoever ends all that is hers holds them in this order too.
        connection.execute(_HOLD, (hash_of(code), client.id))
        with connection.cursor(row_factory=class_row(Code)) as cursor:
            found = cursor.execute(_FIND, (hash_of(code), client.id)).fetchone()
        if found is None:
            return None
        if found.used_at is not None:
            if found.session is not None:
                revoke_session(connection, found.session, REPLAYED)
            return None
        return found if found.expires_at > self.server.service.clock() else None

    def authenticate_user(self, authorization_code: Code) -> Granted | None:
        """Open the session that the code is good for; None, and the code is spent, where it may not be any more."""
        code, connection = authorization_code, self.server.connection
        assert isinstance(self.request.client, Client)
        role = _role_of(self.server, code)
        if role is None:
            self._spend(code, None)
            return None
        until = self.server.service.clock() + session_lasts(role)
        scopes = frozenset(code.scopes)
        opened = open_session(
            connection,
            person=code.person,
            membership=code.membership,
            client=self.request.client.id,
            scopes=scopes,
            browser=code.browser,
            auth_time=code.auth_time,
            acr=Strength(code.acr),
            until=until,
        )
        if opened is None:
            self._spend(code, None)
            return None
        mark_session(connection, opened.id, is_duress=code.is_duress)
        principal = Principal(
            person=code.person,
            organisation=code.organisation,
            role=role,
            session=opened.id,
            scopes=scopes,
            client=self.request.client.get_client_id(),
            auth_time=code.get_auth_time(),
            acr=code.acr,
        )
        return Granted(
            principal=principal,
            handle=opened.handle,
            until=until,
            refresh_token=new_secret() if is_refreshed(role) else None,
        )

    def save_token(self, token: Tokens) -> None:
        """Keep the first refresh token of the session."""
        granted = self.request.user
        assert isinstance(granted, Granted)
        if granted.refresh_token is not None:
            keep_refresh_token(
                self.server.connection,
                granted.refresh_token,
                session=granted.principal.session,
                number=0,
                scopes=granted.principal.scopes,
                issued_at=self.server.service.clock(),
                until=granted.until,
            )

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Spend the code. Its row stays: it tells when the code comes again."""
        granted = self.request.user
        assert isinstance(granted, Granted)
        self._spend(authorization_code, granted.principal.session)

    def _spend(self, code: Code, session: UUID | None) -> None:
        self.server.connection.execute(
            "update sec.codes set used_at = %s, session_id = %s where hash = %s",
            (self.server.service.clock(), session, code.hash),
        )


class S256(CodeChallenge):
    """PKCE (RFC 7636): every client sends a challenge, made with SHA-256, and shows later what it was made of."""

    DEFAULT_CODE_CHALLENGE_METHOD = METHOD
    SUPPORTED_CODE_CHALLENGE_METHOD: list[str] = [METHOD]  # noqa: RUF012  # Authlib's own

    def validate_code_challenge(self, grant: BaseGrant, redirect_uri: str) -> None:
        """Raises InvalidRequestError unless there is a challenge of SHA-256."""
        assert grant.request.payload
        sent = grant.request.payload.data
        if (
            sent.get("code_challenge_method") != METHOD
            or len(sent.get("code_challenge", "")) != CHALLENGE_LENGTH
        ):
            raise InvalidRequestError("PKCE is required: code_challenge, with code_challenge_method S256.")
        super().validate_code_challenge(grant, redirect_uri)

    def get_authorization_code_challenge(self, authorization_code: Code) -> str:
        """The challenge that came with the question."""
        return authorization_code.challenge

    def get_authorization_code_challenge_method(self, authorization_code: Code) -> str:
        """S256: no other is kept."""
        return METHOD


def _demand(payload: Payload, audience: str) -> None:
    """Raises OAuth2Error for what Authlib lets through at the authorization endpoint."""
    demand_resource(payload, audience)
    if any(len(values) > 1 for values in payload.datalist.values()):
        raise InvalidRequestError("A parameter comes twice.")
    sent = payload.data
    if "request" in sent:
        raise RequestNotSupportedError
    if "request_uri" in sent:
        raise RequestURINotSupportedError
    if sent.get("response_mode", "query") != "query":
        raise InvalidRequestError("response_mode is query.")
    if len(sent.get("nonce", "")) > LONGEST_NONCE:
        raise InvalidRequestError(f"nonce is longer than {LONGEST_NONCE} characters.")
    max_age = sent.get("max_age", "0")
    if not (max_age.isascii() and max_age.isdigit() and len(max_age) <= MOST_DIGITS):
        raise InvalidRequestError("max_age is a number of seconds.")


def demand_resource(payload: Payload, audience: str) -> None:
    """Raises invalid_target (RFC 8707) for another resource than the API, or more than one."""
    if payload.datalist.get("resource", [audience]) != [audience]:
        raise OAuth2Error("There is one resource: the API.", error="invalid_target")


def _role_of(server: Server, code: Code) -> Role | None:
    """The role of the membership that the code is for, if it has not ended."""
    row = server.connection.execute(
        "select role from sec.memberships_of(%s) where membership_id = %s and organisation_id = %s",
        (code.person, code.membership, code.organisation),
    ).fetchone()
    return Role(row[0]) if row else None
