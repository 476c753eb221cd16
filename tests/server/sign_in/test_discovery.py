"""What the issuer tells of itself over HTTP."""

from __future__ import annotations

import httpx
import pytest
from tests.server.conftest import Network

DOCUMENTS = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")


@pytest.mark.parametrize("path", DOCUMENTS)
def test_it_is_found_where_clients_look(network: Network, client: httpx.Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["issuer"] == network.settings.issuer


@pytest.mark.parametrize("path", DOCUMENTS)
def test_whatever_a_request_says_of_us_is_not_believed(client: httpx.Client, path: str) -> None:
    lies = {
        "host": "evil.example",
        "forwarded": "host=evil.example;proto=https",
        "x-forwarded-host": "evil.example",
        "x-forwarded-proto": "https",
        "x-original-url": "https://evil.example/",
    }

    assert client.get(path, headers=lies).content == client.get(path).content


def test_what_it_names_is_there(network: Network, client: httpx.Client) -> None:
    metadata = client.get(DOCUMENTS[0]).json()

    named = {value for name, value in metadata.items() if name.endswith(("_endpoint", "jwks_uri"))}
    missing = {
        address
        for address in named
        if client.get(address.removeprefix(network.settings.issuer)).status_code == 404
    }
    assert metadata["jwks_uri"] in named
    assert missing == set()
