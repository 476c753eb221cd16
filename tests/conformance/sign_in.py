"""A partner's program in Python: its person signs in with her browser, and it asks the first question.

It needs `pip install authlib requests`. PAT_ISSUER says where the server is, PAT_CLIENT_ID what it calls this program.
"""

import json
import os
import secrets
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

ISSUER = os.environ.get("PAT_ISSUER", "http://127.0.0.1:8000")
CLIENT_ID = os.environ.get("PAT_CLIENT_ID", "2ba678f3-d490-4711-968d-72ddf23ab802")
REDIRECT_URI = os.environ.get("PAT_REDIRECT_URI", "http://127.0.0.1:8765/callback")
SCOPE = "openid cases"


def come_back() -> str:
    """Wait until her browser comes back to us; the address that it came with."""
    came: list[str] = []

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == urlsplit(REDIRECT_URI).path:
                came.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"You may close this page.")

        def log_message(self, *_: object) -> None:
            """What comes here carries a code: it is written nowhere."""

    place = urlsplit(REDIRECT_URI)
    with HTTPServer((place.hostname or "", place.port or 80), Callback) as server:
        while not came:
            server.handle_request()
    return came[0]


def signed_in(session: Any, server: dict[str, Any]) -> dict[str, Any]:
    """Send her to sign in, and exchange what she comes back with; what the server says of her."""
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
    address, state = session.create_authorization_url(
        server["authorization_endpoint"], code_verifier=verifier, nonce=nonce
    )
    print(f"Open this in your browser: {address}", file=sys.stderr, flush=True)
    answer = come_back()
    # Somebody else's server may have sent her back (RFC 9207).
    told = parse_qs(urlsplit(answer).query)
    if told.get("iss") != [server["issuer"]]:
        raise SystemExit("This is not the answer of the server that was asked.")
    if "error" in told:
        raise SystemExit(f"She is not signed in: {told['error'][0]}")
    token = session.fetch_token(
        server["token_endpoint"], authorization_response=answer, state=state, code_verifier=verifier
    )
    return claims_of(
        token["id_token"], session.request("GET", server["jwks_uri"], withhold_token=True), nonce
    )


def claims_of(id_token: str, keys: Any, nonce: str) -> dict[str, Any]:
    """Who signed in, once it is certain who says so, and that it is said to us and now."""
    claims = jwt.decode(id_token, KeySet.import_key_set(keys.json()), algorithms=["ES256"]).claims
    JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": CLIENT_ID},
        nonce={"essential": True, "value": nonce},
        exp={"essential": True},
    ).validate(claims)
    return claims


def me(session: Any) -> Any:
    """The first question."""
    answer = session.post(f"{ISSUER}/graphql", json={"query": "{ me { name role organisation { name } } }"})
    return answer.json()["data"]["me"] if answer.ok else answer.status_code


def main() -> None:
    made: Any = OAuth2Session(
        CLIENT_ID,
        redirect_uri=REDIRECT_URI,
        scope=SCOPE,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
        revocation_endpoint_auth_method="none",
    )
    with made as session:
        server = session.request(
            "GET", f"{ISSUER}/.well-known/openid-configuration", withhold_token=True
        ).json()
        told = {"role": signed_in(session, server)["role"], "me": me(session)}
        # An access token lives for five minutes; with the refresh token she need not sign in again.
        session.refresh_token(server["token_endpoint"])
        told["again"] = me(session)
        # She signs out of this program: its session ends.
        session.revoke_token(server["revocation_endpoint"], session.token["refresh_token"]).raise_for_status()
        told["afterwards"] = me(session)
        print(json.dumps(told))


if __name__ == "__main__":
    main()
