"""What a client may do follows from what was registered for it."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.granting import BACK, Granting

from pat_auth.clients.models import ClientKind, Serves
from pat_auth.issuer.clients import Client, find_client

KEY = {"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "one"}


def found(granting: Granting, **values: Any) -> Client:
    client = granting.put_client(**values)
    with granting.connections.transaction() as connection:
        made = find_client(connection, str(client))
    assert made is not None
    return made


def test_it_is_what_was_registered(granting: Granting) -> None:
    client = found(
        granting, name="A program", scopes=("cases", "groups"), logout_uris=["https://client.example/bye"]
    )

    assert client.organisation == granting.who.organisation
    assert client.organisation_name == "CBO-A"
    assert (client.name, client.kind, client.serves) == ("A program", ClientKind.PUBLIC, Serves.ORGANISATION)
    assert client.redirect_uris == (BACK,)
    assert client.logout_uris == ("https://client.example/bye",)
    assert client.scopes == {"cases", "groups"}
    assert client.get_client_id() == str(client.id)


def test_its_keys_are_those_that_are_not_retired_by_the_names_that_they_are_kept_under(
    granting: Granting,
) -> None:
    client = found(granting, kind=ClientKind.CONFIDENTIAL, keys=[KEY, {**KEY, "kid": "two"}])
    granting.rows(
        "update app.client_keys set retired_at = now() where kid = 'one' and client_id = %s", client.id
    )

    with granting.connections.transaction() as connection:
        again = find_client(connection, str(client.id))

    assert again is not None
    assert [key["kid"] for key in client.keys] == ["one", "two"]
    assert again.keys == ({**KEY, "kid": "two"},)
    assert "P-256" not in repr(again)


@pytest.mark.parametrize(
    ("kind", "shows", "grants", "is_sent_people"),
    [
        (ClientKind.PUBLIC, "none", {"authorization_code", "refresh_token"}, True),
        (ClientKind.CONFIDENTIAL, "private_key_jwt", {"authorization_code", "refresh_token"}, True),
        (ClientKind.MACHINE, "private_key_jwt", {"client_credentials"}, False),
    ],
)
def test_how_it_shows_itself_and_gets_tokens_follows_from_its_kind(
    granting: Granting, kind: ClientKind, shows: str, grants: set[str], is_sent_people: bool
) -> None:
    client = found(granting, kind=kind)
    methods = ("none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt")
    known = ("authorization_code", "refresh_token", "client_credentials", "password", "implicit")

    assert {method for method in methods if client.check_endpoint_auth_method(method, "token")} == {shows}
    assert {grant for grant in known if client.check_grant_type(grant)} == grants
    assert client.check_response_type("code") is is_sent_people
    assert not client.check_response_type("token")


def test_no_client_has_a_secret_or_an_address_that_goes_without_saying(granting: Granting) -> None:
    client = found(granting)

    assert not client.check_client_secret("")
    assert not client.get_default_redirect_uri()


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        ("openid cases", "cases openid"),
        ("cases cases", "cases"),
        ("openid", "openid"),
        ("cases health", None),
        ("", None),
        (None, None),
    ],
)
def test_a_scope_is_allowed_whole_or_not_at_all(
    granting: Granting, asked: str | None, allowed: str | None
) -> None:
    assert found(granting, scopes=("cases", "groups")).get_allowed_scope(asked) == allowed
