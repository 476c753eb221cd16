"""What the issuer tells of itself (RFC 8414, OpenID Connect Discovery): only what it does."""

from __future__ import annotations

from typing import Any

from pat_auth.issuer.standing import Strength
from pat_auth.keys import ALGORITHM
from pat_auth.scopes import KNOWN_SCOPES

JWKS = "/.well-known/jwks.json"
OPENID_CONFIGURATION = "/.well-known/openid-configuration"
SERVER_METADATA = "/.well-known/oauth-authorization-server"

AUTHORIZE = "/oauth/authorize"
TOKEN = "/oauth/token"  # noqa: S105  # it is an address
REVOKE = "/oauth/revoke"
INTROSPECT = "/oauth/introspect"
USERINFO = "/oauth/userinfo"
LOGOUT = "/oauth/logout"
SIGNED = "private_key_jwt"
"""How clients with a key of their own show that they are themselves."""
LANGUAGES = ("en", "bn", "hi")


def metadata_of(issuer: str) -> dict[str, Any]:
    """The metadata of the issuer at an origin. Both documents say the same."""
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "revocation_endpoint": issuer + REVOKE,
        "introspection_endpoint": issuer + INTROSPECT,
        "userinfo_endpoint": issuer + USERINFO,
        "end_session_endpoint": issuer + LOGOUT,
        "jwks_uri": issuer + JWKS,
        "scopes_supported": sorted(KNOWN_SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", SIGNED],
        "token_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "revocation_endpoint_auth_methods_supported": ["none", SIGNED],
        "revocation_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "introspection_endpoint_auth_methods_supported": [SIGNED],
        "introspection_endpoint_auth_signing_alg_values_supported": [ALGORITHM],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "acr_values_supported": [strength.value for strength in Strength],
        "claims_supported": [
            *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"),
            *("org", "role"),
        ],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "prompt_values_supported": ["none", "login", "consent"],
        "ui_locales_supported": list(LANGUAGES),
        "authorization_response_iss_parameter_supported": True,
    }
