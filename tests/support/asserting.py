"""A client's own key, and what it signs with it to show that it is itself; each part of it may be made wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from joserfc import jwt
from joserfc.jwk import ECKey

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def new_key(kid: str = "one") -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def public(key: ECKey) -> dict[str, Any]:
    """As it is kept of a client."""
    found = key.as_dict(private=False)
    return {name: found[name] for name in ("kty", "crv", "x", "y", "kid")}


@dataclass
class Signer:
    """A program that keeps a private key."""

    client: UUID
    issuer: str
    now: float
    key: ECKey = field(default_factory=new_key)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a well-behaved client says; None leaves a claim out."""
        said = {
            "iss": str(self.client),
            "sub": str(self.client),
            "aud": f"{self.issuer}/oauth/token",
            "iat": int(self.now),
            "exp": int(self.now) + 60,
            "jti": uuid4().hex,
            **changes,
        }
        return {name: value for name, value in said.items() if value is not None}

    def header(self, **changes: Any) -> dict[str, Any]:
        """What stands before it; None leaves a parameter out."""
        said = {"alg": "ES256", "kid": self.key.kid, **changes}
        return {name: value for name, value in said.items() if value is not None}

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A signed assertion."""
        return jwt.encode(
            self.header(**(header or {})), self.claims(**claims), self.key, algorithms=["ES256"]
        )

    def form(self, assertion: str | None = None, /, **changes: str | None) -> dict[str, str]:
        """How a machine asks for a token; None leaves a parameter out."""
        sent = {
            "grant_type": "client_credentials",
            "scope": "cases",
            "client_assertion_type": TYPE,
            "client_assertion": assertion or self.signed(),
            **changes,
        }
        return {name: value for name, value in sent.items() if value is not None}
