"""What the issuer tells of itself."""

from __future__ import annotations

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from pat_auth.issuer.metadata import metadata_of
from pat_auth.issuer.server import GRANTS
from pat_auth.scopes import KNOWN_SCOPES

ISSUER = "https://pat.example"


def test_it_is_what_the_standard_asks_for() -> None:
    AuthorizationServerMetadata(metadata_of(ISSUER)).validate()


def test_every_address_is_the_issuers() -> None:
    metadata = metadata_of(ISSUER)

    addresses = [value for value in metadata.values() if isinstance(value, str)]
    assert metadata["issuer"] == ISSUER
    assert all(address.startswith(ISSUER) for address in addresses)


def test_it_promises_what_there_is() -> None:
    metadata = metadata_of(ISSUER)

    assert set(metadata["grant_types_supported"]) == {grant.GRANT_TYPE for grant, _ in GRANTS}
    assert metadata["token_endpoint_auth_methods_supported"] == ["none", "private_key_jwt"]
    assert metadata["revocation_endpoint_auth_methods_supported"] == ["none", "private_key_jwt"]
    assert metadata["introspection_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    signed = [value for name, value in metadata.items() if name.endswith("auth_signing_alg_values_supported")]
    assert signed == [["ES256"]] * 3
    assert set(metadata["scopes_supported"]) == KNOWN_SCOPES
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["id_token_signing_alg_values_supported"] == ["ES256"]
